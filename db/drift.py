"""Drift: whether what the champion answers now is still like what it learned, or answered first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from db import events, taxonomy, versions
from db.figures import REFERENCE, THRESHOLDS, TRAINING, Answered, Figures, Moved, compare
from db.models import (
    AliasMove,
    CalibrationMove,
    Classification,
    Correction,
    Event,
    ModelVersion,
)
from db.quality import is_override
from db.unit_index import UnitIndex

WINDOW = 1_000
"""Answers that are compared: the newest, and as many of the first where these are compared with."""
CROSSED, ENDED = "drift.crossed", "drift.ended"
"""Kinds of events: a measure went over its threshold, and came back into what chance explains."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What was compared.

    Attributes:
        version: the champion; None where there is none.
        answers: how many it has given, as far as they are needed.
        needed: how many are.
        moved: the measures; none before there are enough answers.
    """

    version: str | None
    answers: int
    needed: int
    moved: Sequence[Moved] = field(default_factory=tuple)


def read_drift(session: Session, window: int = WINDOW) -> Drift:
    """Compare the champion's newest answers with what it learned, else with its first ones.

    What it learned and how it answered held-out tickets is known of versions of today, until they
    are recalibrated: that sets confidence and ``no_unit`` anew. Overrides are known of answers
    alone, so they are compared once there are twice as many.

    Args:
        session: a session.
        window: answers on each side.
    """
    version = versions.champion(session)
    if version is None:
        return Drift(None, 0, 2 * window)
    index = taxonomy.read_index(session)
    groups = _groups(index)
    reference = _at_training(session, version, groups)
    needed = window if reference else 2 * window
    answers = _answers(version, is_override(session, index))
    ids = answers.with_only_columns(Classification.id).limit(2 * window).subquery()
    found = session.scalar(select(func.count()).select_from(ids)) or 0
    if found < needed:
        return Drift(version, found, needed)
    newest = answers.order_by(Classification.classified_at.desc(), Classification.id.desc())
    recent = _figures(session, newest.limit(window), groups)
    moved = [] if reference is None else compare(reference, recent)
    told = {one.measure for one in moved}
    moved = [replace(one, against=TRAINING) for one in moved]
    if found == 2 * window:
        first = answers.order_by(Classification.classified_at, Classification.id)
        by_first = compare(_figures(session, first.limit(window), groups), recent)
        moved += [one for one in by_first if one.measure not in told]
    return Drift(version, found, needed, moved)


def record_crossings(session: Session, drift: Drift) -> list[Moved]:
    """Write an event for each measure that went over its threshold, or came back.

    Returns:
        The measures that went over it since the last call.
    """
    if drift.version is None or not drift.moved:
        return []
    # Several relays may look at once: the second waits here, and sees what the first wrote.
    session.get(ModelVersion, drift.version, with_for_update=True)
    over = _over(session, drift.version)
    crossed = [one for one in drift.moved if one.is_crossed and one.measure not in over]
    for one in crossed:
        _record(session, CROSSED, drift.version, one)
    for one in drift.moved:
        if one.measure in over and not one.is_beyond_chance:
            _record(session, ENDED, drift.version, one)
    return crossed


def _record(session: Session, kind: str, version: str, moved: Moved) -> None:
    events.record(
        session,
        kind,
        version=version,
        measure=moved.measure,
        reference=round(moved.reference, 4),
        recent=round(moved.recent, 4),
        by=round(moved.by, 4),
        chance=round(moved.chance, 4),
        threshold=THRESHOLDS[moved.measure],
        against=moved.against,
    )


def _over(session: Session, version: str) -> set[str]:
    """Return the version's measures that are over their threshold, by what was recorded."""
    query = select(Event.kind, Event.data).where(Event.kind.in_((CROSSED, ENDED)))
    last = {
        data["measure"]: kind
        for kind, data in session.execute(query.order_by(Event.id))
        if data["version"] == version
    }
    return {measure for measure, kind in last.items() if kind == CROSSED}


def _at_training(session: Session, version: str, groups: Mapping[str, str]) -> Figures | None:
    """Return a version's figures of when it was trained; None once it was recalibrated."""
    moves = select(func.count()).where(CalibrationMove.model_version == version)
    facts = versions.get_version(session, version).metrics.get(REFERENCE)
    return Figures.read(facts, groups) if facts and not session.scalar(moves) else None


def _answers(version: str, is_overridden: ColumnElement[bool]) -> Select[Any]:
    """Return the query for a champion's answers since it became one, or was last recalibrated."""
    promoted = select(func.min(AliasMove.moved_at)).where(AliasMove.model_version == version)
    recalibrated = select(func.max(CalibrationMove.moved_at)).where(
        CalibrationMove.model_version == version
    )
    since = func.coalesce(recalibrated.scalar_subquery(), promoted.scalar_subquery())
    overrides = (
        select(func.count())
        .select_from(Correction)
        .where(is_overridden)
        .correlate(Classification)
        .scalar_subquery()
    )
    return select(
        Classification.unit_code, Classification.probability, Classification.held_back, overrides
    ).where(
        # The index is on the time. Before, other versions answered.
        Classification.classified_at >= since,
        Classification.model_version == version,
    )


def _figures(session: Session, answers: Select[Any], groups: Mapping[str, str]) -> Figures:
    return Figures.of(
        Answered(groups.get(unit, unit), *rest) for unit, *rest in session.execute(answers)
    )


def _groups(index: UnitIndex) -> dict[str, str]:
    """Map units to codes under which a change of the units alone changes no mix.

    A unit that was merged counts as its successor, and the parts of one that was split as that one.
    """
    now = {code: index.follow(unit) for code, unit in index.units.items()}
    groups = {code: unit.code for code, unit in now.items() if unit is not None}
    for unit in index.units.values():
        if unit.split_into and now[unit.code] is None:
            groups |= {part.code: unit.code for part in index.stands_now(unit.code)}
    return {code: groups.get(group, group) for code, group in groups.items()}
