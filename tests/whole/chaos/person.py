"""A person who corrects, returns and exports, and an operator who moves the champion."""

import random
import threading
from dataclasses import dataclass, field

from sqlalchemy import func, select

from core.errors import DatabaseUnavailableError, StorageError
from db import corrections, versions
from db.export import export_rows
from db.models import Status, Ticket
from db.returned import refused_units
from tests.support.returns import return_ticket
from tests.whole.chaos.world import World

ACTOR = "chaos"
_UNITS = ("A", "B", "C")
_MOST_ROUNDS = 2


@dataclass(slots=True)
class Decided:
    """What a person did to one ticket: (round, unit) of each decision, and the returned rounds."""

    decisions: list[tuple[int, str]] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)


class Person(threading.Thread):
    """Does one thing after the other; what fails for a fault of the database is done again."""

    def __init__(self, world: World) -> None:
        super().__init__(name="person", daemon=True)
        self.world = world
        self.decided: dict[int, Decided] = {}
        self.exports = self.promotions = 0
        self._rng = random.Random(f"{world.plan.seed}:person")

    def run(self) -> None:
        deeds = [self._correct, self._correct, self._return, self._promote, self._export]
        while self.world.producing.is_set():
            try:
                self._rng.choice(deeds)()
            except (DatabaseUnavailableError, StorageError):
                pass  # a decision was tried until it was in; the rest may come another time
            except Exception as error:
                self.world.find(f"a person met {type(error).__name__}: {str(error)[:200]}")
            self.world.ended.wait(self._rng.uniform(0.1, 1.0))

    def _some_ticket(self, *conditions: object) -> Ticket | None:
        with self.world.database.reading() as session:
            newest = session.scalar(select(func.max(Ticket.id))) or 0
            first = self._rng.randint(0, newest)
            query = select(Ticket).where(Ticket.id >= first, *conditions)  # type: ignore[arg-type]
            return session.scalar(query.order_by(Ticket.id).limit(1))

    def _correct(self) -> None:
        """Decide about a ticket in whatever state it is."""
        ticket = self._some_ticket()
        if ticket is None:
            return
        unit = self._rng.choice(_UNITS)
        while not self.world.ended.is_set():
            try:
                with self.world.database.writing() as session:
                    row = corrections.find_ticket(session, ticket.source, ticket.external_id)
                    assert row is not None
                    round_ = row.round
                    corrections.decide(session, row, unit, actor=ACTOR)
            except DatabaseUnavailableError:
                self.world.ended.wait(0.2)
                continue
            known = self.decided.setdefault(ticket.id, Decided())
            if known.decisions[-1:] != [(round_, unit)]:
                known.decisions.append((round_, unit))
            return

    def _return(self) -> None:
        """Give a routed ticket back in its unit's name (退单)."""
        ticket = self._some_ticket(Ticket.status == Status.ROUTED, Ticket.round < _MOST_ROUNDS)
        if ticket is None or self._returned_before(ticket):
            return
        while not self.world.ended.is_set():
            try:
                with self.world.database.writing() as session:
                    return_ticket(session, ticket.id, ticket.round, actor=ACTOR)
            except DatabaseUnavailableError:
                self.world.ended.wait(0.2)
                continue
            self.decided.setdefault(ticket.id, Decided()).returned.append(ticket.round)
            return

    def _returned_before(self, ticket: Ticket) -> bool:
        """Whether the ticket's unit did so once: it must keep what it is given again."""
        with self.world.database.reading() as session:
            refused = refused_units(session, [ticket.id])
        return ticket.unit_code in refused.get(ticket.id, ())

    def _promote(self) -> None:
        with self.world.database.writing() as session:
            versions.promote(session, self._rng.choice(self.world.versions), actor=ACTOR)
        self.promotions += 1

    def _export(self) -> None:
        ids = [(row["source"], row["external_id"]) for row in export_rows(self.world.database)]
        if len(ids) != len(set(ids)):
            self.world.find("an export has a ticket twice")
        self.exports += 1
