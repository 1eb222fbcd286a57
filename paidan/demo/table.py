"""The table of where the demo's tickets went."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from db import taxonomy
from db.models import Classification, Ticket

_ROWS = 15


@dataclass(slots=True)
class Share:
    """A unit's tickets: the model's confidence in each, and how many of them were held back."""

    unit: str
    confidences: list[float] = field(default_factory=list)
    held_back: int = 0

    def cells(self) -> tuple[str, str, str, str]:
        """Return the row of the table."""
        count = len(self.confidences)
        mean = sum(self.confidences) / count
        return self.unit, f"{count:,}", f"{mean:.2f}", f"{self.held_back:,}"


def print_table(session: Session, source: str) -> None:
    """Show where a source's tickets went, with the model's mean confidence."""
    table = Table(title="Where the synthetic tickets went", title_justify="left")
    table.add_column("unit")
    for heading in ("tickets", "confidence", "to review"):
        table.add_column(heading, justify="right")
    for share in shortened(read_shares(session, source)):
        table.add_row(*share.cells())
    Console(stderr=True).print(table)


def read_shares(session: Session, source: str) -> list[Share]:
    """Return the shares of the answered units, the largest first."""
    names = {unit.code: unit.name for unit in taxonomy.list_units(session)}
    shares: dict[str, Share] = {}
    rows = session.execute(
        select(Classification.unit_code, Classification.probability, Classification.held_back)
        .join(Ticket, Ticket.id == Classification.ticket_id)
        .where(Ticket.source == source)
    )
    for unit, probability, held_back in rows:
        share = shares.setdefault(unit, Share(names[unit]))
        share.confidences.append(probability)
        share.held_back += held_back is not None
    return sorted(shares.values(), key=lambda share: -len(share.confidences))


def shortened(shares: Sequence[Share], rows: int = _ROWS) -> Iterable[Share]:
    """Return the first shares, and all others as one."""
    rest = shares[rows:]
    if not rest:
        return shares
    confidences = [value for share in rest for value in share.confidences]
    held_back = sum(share.held_back for share in rest)
    return [*shares[:rows], Share(f"{len(rest)} other units", confidences, held_back)]
