"""Enters people's decisions, and counts what they did."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.names import is_blank_unit
from paidan.cli.decision_row import Decision
from paidan.cli.inert import without_mark
from paidan.cli.named_ticket import find_named

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db import Database
    from db.corrections import Outcome
    from db.models import Ticket

# How a row counts, beside "confirm" and "correct".
CONFIRMED = "confirm"
UNDECIDED, BEFORE, REPEATED = "not decided", "decided before", "repeats the model"
_SHOWN = 5


@dataclass(slots=True)
class Decisions:
    """A person's decisions on their way into the record.

    Parameters:
        database: the record.
        file: the input, for messages.
        source: of the tickets whose row names none.
        by: who decided.
        confirm: whether a unit like the model's confirms it.
        blind: whether these are drawn disagreements, decided by who saw no unit.
        counts: rows by what they did.
        overruled: how often another person had decided otherwise.
    """

    database: "Database"
    file: Path
    source: str
    by: str
    confirm: bool
    blind: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    overruled: int = 0
    _lines: dict[int, tuple[int, str]] = field(default_factory=dict)  # line and unit by ticket
    _contradicted: int = 0

    def enter(self, decision: Decision) -> str | None:
        """Enter one decision; return why it is refused, if it is."""
        if not decision.unit:
            self.counts[UNDECIDED] += 1
            return None
        if decision.problem is not None:
            return decision.problem
        with self.database.writing() as session:
            return self._enter(session, decision)

    def _enter(self, session: "Session", decision: Decision) -> str | None:
        from db import corrections, taxonomy
        from db.provenance import Asked

        unit = decision.unit
        codes = taxonomy.resolve(session, {unit, without_mark(unit)})
        code = codes.get(unit) or codes.get(without_mark(unit))
        if code is None and is_blank_unit(unit):
            self.counts[UNDECIDED] += 1
            return None
        if code is None:
            return f"unit {taxonomy.why_unresolved(session, unit)}"
        key = decision.source or self.source, decision.external_id
        ticket = find_named(session, key, exact=decision.exact)
        if isinstance(ticket, str):
            return ticket
        if ticket.erased_at is not None:
            return "the ticket was erased: there is nothing left to decide"
        self._tell_contradicted(decision, ticket.id, code)
        if self.blind:
            return self._enter_blind(session, decision, ticket, code)
        if not self.confirm and corrections.repeats_model(session, ticket, code):
            self.counts[REPEATED] += 1
            return None
        asked = Asked.BULK if self.confirm else Asked.FILE
        outcome = corrections.decide(session, ticket, code, actor=self.by, asked=asked)
        self.counts[outcome.how or BEFORE] += 1
        if outcome.overruled is not None:
            self._tell_overruled(session, decision, outcome)
        return None

    def _enter_blind(
        self, session: "Session", decision: Decision, ticket: "Ticket", code: str
    ) -> str | None:
        from db import corrections, draws
        from db.provenance import Asked

        place = draws.place(session, ticket.id)
        if place is None:
            return "nobody is asked about this ticket blind ('paidan export --blind' has those)"
        if place.unit_code is not None:
            self.counts[BEFORE] += 1
            return None
        outcome = corrections.decide(session, ticket, code, actor=self.by, asked=Asked.DISAGREEMENT)
        # Whoever decided it before had seen a unit: that this one names it, too, is an answer.
        self.counts[outcome.how or CONFIRMED] += 1
        if outcome.overruled is not None:
            self._tell_overruled(session, decision, outcome)
        return None

    def _tell_contradicted(self, decision: Decision, ticket_id: int, code: str) -> None:
        """Tell of a row that gives a ticket to another unit than an earlier row of the file."""
        line, before = self._lines.get(ticket_id, (0, code))
        self._lines[ticket_id] = decision.line, code
        if before == code:
            return
        self._contradicted += 1
        if self._contradicted <= _SHOWN:
            click.echo(
                f"contradicted: {self.file}, line {decision.line}: line {line} gives this ticket "
                f"to {before}, now {decision.unit}",
                err=True,
            )

    def _tell_overruled(self, session: "Session", decision: Decision, outcome: "Outcome") -> None:
        from db.models import Unit

        self.overruled += 1
        if self.overruled <= _SHOWN:
            before = session.get(Unit, outcome.from_unit)
            click.echo(
                f"changed: {self.file}, line {decision.line}: {outcome.overruled} had decided "
                f"{before.name if before else outcome.from_unit}, now {self.by} says "
                f"{decision.unit}",
                err=True,
            )

    def report(self, refused: int) -> None:
        """Print how many rows did what."""
        counts = self.counts
        click.echo(
            f"corrected {counts['correct']:,}, confirmed {counts['confirm']:,}, "
            f"{BEFORE} {counts[BEFORE]:,}, {UNDECIDED} {counts[UNDECIDED]:,}, "
            f"refused {refused:,}"
        )
        if counts[REPEATED]:
            click.echo(
                f"no decision: {counts[REPEATED]:,} rows repeat the unit to which the model "
                "routed their ticket; who has looked at all of them enters them with --confirm"
            )
        if self.overruled:
            click.echo(f"decisions of other people changed: {self.overruled:,}")
        if self._contradicted:
            click.echo(
                f"rows that contradict an earlier row of the file: {self._contradicted:,}; "
                "the last one about a ticket counts"
            )
