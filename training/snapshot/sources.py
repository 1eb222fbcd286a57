"""What a snapshot is made of: the seed and what people decided, under the units' present codes."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.text import model_text
from db import Database, corrections, taxonomy
from db.models import Correction, Ticket
from training.snapshot.manifest import SnapshotUnit
from training.snapshot.rows import BULK_RANK, UNKNOWN, Row

GONE, BLANK = "unit gone", "no text"
"""Left out: its unit is gone without a successor; it says nothing."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The rows of both sources, and what of them is left out.

    Parameters:
        seed: the file's rows, in its order.
        decisions: what people decided, in the order of the tickets' ids.
        kept: rows of the frozen test set before, in the order they had.
        units: all active units, by code.
        decisions_sha256: over the decisions' ids and units.
        newest_decision: id of the newest correction; 0 where there is none.
        left_out: how many rows, by reason.
    """

    seed: Sequence[Row]
    decisions: Sequence[Row]
    kept: Sequence[Row]
    units: tuple[SnapshotUnit, ...]
    decisions_sha256: str
    newest_decision: int
    left_out: Counter[str] = field(default_factory=Counter)


def read_sources(database: Database, seed: Sequence[Row], frozen: Sequence[Row]) -> Sources:
    """Return what is labelled now. Erased tickets, and those returned last, are not among it.

    Hundreds of thousands of texts are masked for a minute or more, in which the database would end
    an idle transaction: so they are once all is read.

    Args:
        database: the record.
        seed: the file's rows, with units as it named them.
        frozen: the frozen test set of the newest snapshot. A ticket of it that people decided
            stays only while it is decided; one of the file stays.
    """
    with database.reading() as session:
        found = session.execute(_decisions()).all()
        named = {row.unit for row in (*seed, *frozen)} | {str(one.to_unit) for one in found}
        codes = taxonomy.resolve(session, named, alike=False)
        units = _units(session)
        newest = session.scalar(select(func.max(Correction.id))) or 0
    decided = [_decision(*one) for one in found]
    left_out: Counter[str] = Counter()

    def usable(rows: Sequence[Row]) -> list[Row]:
        return [
            replace(row, unit=codes[row.unit])
            for row in rows
            if row.unit in codes and row.text.strip()
        ]

    for row in (*seed, *decided):
        if row.unit not in codes or not row.text.strip():
            left_out[BLANK if row.unit in codes else GONE] += 1
    seed, decided = usable(seed), usable(decided)
    return Sources(
        seed,
        decided,
        _kept(usable(frozen), seed, decided),
        units,
        _decisions_digest(decided),
        newest,
        left_out,
    )


def _decisions() -> Select[*tuple[Any, ...]]:
    """Return the query for what ``_decision`` takes."""
    return corrections.latest_decisions(
        Ticket.id,
        Ticket.source,
        Ticket.external_id,
        Ticket.title,
        Ticket.text,
        Correction.to_unit,
        Correction.asked,
        Correction.inclusion,
    )


def _decision(
    ticket: int,
    source: str,
    external_id: str,
    title: str,
    text: str,
    unit: str,
    asked: str | None,
    inclusion: float | None,
) -> Row:
    return Row(
        model_text(title, text),
        str(unit),
        "decision",
        f"ticket {external_id} of {source}",
        ticket=ticket,
        asked=asked or UNKNOWN,
        inclusion=inclusion,
    )


def _kept(frozen: Sequence[Row], seed: Sequence[Row], decided: Sequence[Row]) -> list[Row]:
    """Return the frozen rows there still are, each with the label that is best now.

    What was confirmed with a whole list judges nothing.
    """
    best: dict[str, Row] = {}
    for row in (*seed, *decided):
        if row.rank == BULK_RANK:
            continue
        before = best.get(row.digest)
        if before is None or row.rank > before.rank:
            best[row.digest] = row
    current = [best.get(row.digest, row if row.origin == "seed" else None) for row in frozen]
    return [row for row in current if row is not None]


def _units(session: Session) -> tuple[SnapshotUnit, ...]:
    units = taxonomy.list_units(session, active_only=True)
    return tuple(
        SnapshotUnit(code=unit.code, name=unit.name, responsibilities=unit.responsibilities)
        for unit in sorted(units, key=lambda unit: unit.code)
    )


def _decisions_digest(decisions: Sequence[Row]) -> str:
    lines = (json.dumps([row.ticket, row.unit, row.asked]) + "\n" for row in decisions)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
