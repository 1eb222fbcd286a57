"""A run's curves: what its trainer streams into the record while it learns."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.run_tables import RunPoint
from db.upsert import insert_for


@dataclass(frozen=True, slots=True)
class Point:
    """What is known of a step; None where it was not measured, or is no finite number.

    Parameters:
        step: optimiser steps until then.
        seconds: of training until then, all attempts together.
        loss: mean of the steps since the point before.
        learning_rate: of the adapter.
        grad_norm: before clipping.
        gpu_memory: bytes, the highest so far.
        tickets_per_s: since the point before.
        validation: loss on held-out tickets.
    """

    step: int
    seconds: float
    loss: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None
    gpu_memory: int | None = None
    tickets_per_s: float | None = None
    validation: float | None = None


def put(session: Session, run_id: int, points: Sequence[Point]) -> None:
    """Write points; of several of one step, as a resume makes them, the newest stays."""
    rows = list({point.step: {"run_id": run_id, **_finite(point)} for point in points}.values())
    if not rows:
        return
    insert = insert_for(session, RunPoint)
    values = {field.name: insert.excluded[field.name] for field in fields(Point)}
    # One row a statement: a resumed run passes on all its points at once, and PostgreSQL takes
    # 65,535 values in one.
    session.execute(
        insert.on_conflict_do_update(index_elements=["run_id", "step"], set_=values), rows
    )


def _finite(point: Point) -> dict[str, Any]:
    """Return a point's values, None for what JSON cannot write and no curve can show."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(point).items()
    }


def list_points(session: Session, run_id: int) -> list[RunPoint]:
    """Return a run's points by step."""
    query = select(RunPoint).where(RunPoint.run_id == run_id).order_by(RunPoint.step)
    return list(session.scalars(query))
