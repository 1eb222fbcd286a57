"""``paidan return``: units give tickets back (退单), out of a file."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.errors import BrokerUnavailableError, InputError
from core.settings import Settings, get_settings
from paidan.cli.inert import without_mark
from paidan.cli.named_ticket import find_named
from paidan.cli.options import (
    BY,
    COLUMN,
    ENCODING,
    FILE,
    PARTLY,
    REJECTS,
    SHEET,
    SOURCE,
    opened_database,
)
from paidan.cli.rejects import Rejects
from paidan.cli.return_row import FIELDS, ReturnReader, ReturnRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db import Database

# How a row counts, beside the status that a ticket has then.
BEFORE = "returned before"


@click.command("return")
@FILE
@SOURCE
@COLUMN
@ENCODING
@SHEET
@REJECTS
@BY
def return_(
    file: Path,
    source: str,
    columns: dict[str, str],
    encoding: str | None,
    sheet: str | None,
    rejects: Path | None,
    by: str,
) -> int:
    """Enter units' returns (退单): FILE has external_id, unit (code or name) and reason.

    The ticket goes into its next dispatch round without that unit; after its second return a
    person decides. A file that is read again changes nothing.
    """
    from producer.files.reader import read_rows

    if unknown := next((name for name in columns if name not in FIELDS), None):
        raise InputError(f"--column {unknown}=…: a return has the fields {', '.join(FIELDS)}")
    settings = get_settings()
    refused = Rejects.of(file, rejects, settings)
    reader = ReturnReader(file, columns)
    with opened_database(settings) as database:
        returns = Returns(database, source, by)
        try:
            for row in read_rows(file, encoding=encoding, sheet=sheet, used=reader.used()):
                problem = row.problem or returns.enter(reader.read(row))
                if problem is not None:
                    refused.add(row.line, "", problem, row.values)
            if not returns.counts and not refused.count:
                raise InputError(f"{file}: there is no row in it")
        finally:
            if returns.counts or refused.count:
                returns.publish(settings)
                returns.report(refused.count)
                refused.report()
    return PARTLY if refused.count else 0


@dataclass(slots=True)
class Returns:
    """Units' returns on their way into the record.

    Parameters:
        database: the record.
        source: of the tickets whose row names none.
        by: who enters them.
        counts: rows by what they did.
        queued: ids of the tickets that go into their next round, by lane.
    """

    database: "Database"
    source: str
    by: str
    counts: Counter[str] = field(default_factory=Counter)
    queued: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _lines: dict[int, int] = field(default_factory=dict)  # by ticket

    def enter(self, row: ReturnRow) -> str | None:
        """Enter one return; return why it is refused, if it is."""
        if row.problem is not None:
            return row.problem
        with self.database.writing() as session:
            return self._enter(session, row)

    def _enter(self, session: "Session", row: ReturnRow) -> str | None:
        from db import returns

        named = row.named
        key = named.source or self.source, named.external_id
        ticket = find_named(session, key, exact=named.exact)
        if isinstance(ticket, str):
            return ticket
        if (first := self._lines.get(ticket.id)) is not None:
            return f"the ticket stands in line {first} already: a unit returns it once"
        unit = named.unit if named.exact else without_mark(named.unit)
        done = returns.return_ticket(session, ticket, unit, row.reason, actor=self.by)
        if done.refused is not None:
            return done.refused
        self._lines[ticket.id] = named.line
        self.counts[done.status or BEFORE] += 1
        if done.status == "queued":
            self.queued[ticket.lane].append(ticket.id)
        return None

    def publish(self, settings: Settings) -> None:
        """Send the tickets on their way; without Redis the relay does it later."""
        from core.publisher import Publisher

        if not self.queued:
            return
        publisher = Publisher(settings)
        try:
            publisher.publish(self.queued)
        except BrokerUnavailableError as error:
            click.echo(f"stored, and left to the relay: {error}", err=True)
        finally:
            publisher.close()

    def report(self, refused: int) -> None:
        """Print how many rows did what."""
        counts = self.counts
        click.echo(
            f"returned {counts['queued'] + counts['review']:,} (to the next round "
            f"{counts['queued']:,}, to a person {counts['review']:,}), {BEFORE} "
            f"{counts[BEFORE]:,}, refused {refused:,}"
        )


COMMANDS = (return_,)
