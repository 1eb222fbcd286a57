"""Records to measure on: units, a constant model that answers, and a backlog of tickets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import String, cast, insert, literal, select

from db import Database, clock, taxonomy, versions
from db.models import Ticket
from db.types import Deadline
from registry.registration import register

TEXT = "路灯坏了，请派人来修，这里晚上很黑，老人出行不便，希望有关部门尽快处理。" * 3
"""What every ticket of a backlog says, before its number."""

_ACTOR = "bench"
_ROWS_A_STATEMENT = 100_000


def add_units(database: Database, units: Mapping[str, str], actor: str = _ACTOR) -> None:
    """Import active units: code -> name."""
    with database.writing() as session:
        records = [taxonomy.UnitRecord(code, name) for code, name in units.items()]
        taxonomy.import_units(session, records, actor=actor)


def promote_constant(
    database: Database,
    models_dir: Path,
    units: Mapping[str, str],
    answers: Sequence[str],
    actor: str = _ACTOR,
) -> str:
    """Train and promote a constant model: it answers the most frequent of ``answers``."""
    from training.constant import train_constant  # here: it takes two seconds, which
    from training.samples import Sample  # a process that only adds tickets would wait for

    samples = [Sample(f"text {n}", unit) for n, unit in enumerate(answers)]
    version = train_constant(samples, units, models_dir=models_dir, error_target=1.0)
    with database.writing() as session:
        register(session, version)
        versions.promote(session, version.name, actor=actor)
    return version.name


def add_backlog(database: Database, rows: int) -> None:
    """Insert so many tickets that wait for an hour already."""
    for first in range(1, rows + 1, _ROWS_A_STATEMENT):
        _add_waiting(database, first, min(first + _ROWS_A_STATEMENT - 1, rows))


def _add_waiting(database: Database, first: int, last: int) -> None:
    numbers = select(literal(first).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < last))
    number = cast(numbers.c.n, String)
    new: dict[str, Any] = {
        "source": literal("backlog"),
        "external_id": number,
        "text": literal(TEXT).concat(number),
        "lane": literal("bulk"),
        "due_at": literal(None, Deadline()),
        "estimated_tokens": literal(100),
        "queued_at": clock.ago(3600),
    }
    with database.writing() as session:
        session.execute(insert(Ticket).from_select(list(new), select(*new.values())))
