"""How right the routed tickets are: estimated from the blind sample, by week and by unit.

A model's sure answers are routed, but for a share drawn by chance (``results.is_sampled``), which
people answer without a suggestion. What they say of these holds for the routed ones.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from core.proportion import Interval, interval
from db import taxonomy
from db.corrections import CORRECT, RETURN
from db.models import Classification, Correction
from db.provenance import Asked
from db.results import SAMPLED
from db.unit_index import UnitIndex

# A week whose share of sampled tickets cannot come from today's share by chance.
_SHARE_CONFIDENCE = 0.999


@dataclass(frozen=True, slots=True)
class Counts:
    """Sure answers of a model, and what people said of them.

    Attributes:
        routed: were acted on.
        overridden: of these, a person gave the ticket to another unit, or the unit returned it.
        right: of the blind sample, a person named the same unit.
        wrong: likewise, another unit.
        undecided: of the blind sample, waiting for a person, or returned since.
    """

    routed: int = 0
    overridden: int = 0
    right: int = 0
    wrong: int = 0
    undecided: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.routed + other.routed,
            self.overridden + other.overridden,
            self.right + other.right,
            self.wrong + other.wrong,
            self.undecided + other.undecided,
        )

    @property
    def decided(self) -> int:
        """Tickets of the sample that count."""
        return self.right + self.wrong

    @property
    def sampled(self) -> int:
        """All tickets of the sample."""
        return self.decided + self.undecided

    @property
    def error(self) -> float | None:
        """The share of wrong ones among routed tickets, estimated; None where nothing is known."""
        return self.wrong / self.decided if self.decided else None

    @property
    def error_interval(self) -> Interval:
        """In which the error lies with 95 % confidence, if the undecided are like the decided."""
        return interval(self.wrong, self.decided)

    @property
    def error_limits(self) -> Interval:
        """The error in the whole sample if all undecided tickets are right, and if all are wrong.

        Which tickets people decide first may hang on how hard they are.
        """
        if not self.sampled:
            return 0.0, 1.0
        return self.wrong / self.sampled, (self.wrong + self.undecided) / self.sampled

    @property
    def override_rate(self) -> float | None:
        """The share of routed tickets that were overridden; None where none was routed."""
        return self.overridden / self.routed if self.routed else None

    @property
    def override_interval(self) -> Interval:
        """The 95 % confidence interval of the override rate."""
        return interval(self.overridden, self.routed)

    def is_share(self, share: float) -> bool:
        """Whether so many tickets of the sample can come from a share of it."""
        low, high = interval(self.sampled, self.sampled + self.routed, _SHARE_CONFIDENCE)
        return low <= share <= high


@dataclass(frozen=True, slots=True)
class Week:
    """A week of a zone's time, or what of it lies in the period: from ``start`` until ``end``."""

    label: str  # such as 2026-W48 (ISO 8601)
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Quality:
    """Counts of sure answers by week and by unit; a unit has the code that was answered."""

    by_week: Sequence[tuple[Week, Counts]]
    by_unit: Mapping[str, Counts]
    total: Counts = field(default_factory=Counts)


def read_quality(session: Session, since: datetime, until: datetime, zone: tzinfo) -> Quality:
    """Count the sure answers of a period; a ticket is of the week in which it was answered."""
    by_week: list[tuple[Week, Counts]] = []
    by_unit: dict[str, Counts] = defaultdict(Counts)
    index = taxonomy.read_index(session)
    overrides = is_override(session, index)
    for week in weeks_of(since, until, zone):
        units = _week(session, week, index, overrides)
        by_week.append((week, sum(units.values(), Counts())))
        for code, counts in units.items():
            by_unit[code] += counts
    total = sum((counts for _, counts in by_week), Counts())
    return Quality(by_week, dict(sorted(by_unit.items())), total)


def weeks_of(since: datetime, until: datetime, zone: tzinfo) -> Iterator[Week]:
    """Yield the weeks of a period, from Monday to Monday; the first and last may be cut."""
    start = since.astimezone(zone)
    while start < until:
        monday = (start - timedelta(days=start.weekday())).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        end = min(monday + timedelta(days=7), until.astimezone(zone))
        year, number, _ = start.isocalendar()
        yield Week(f"{year}-W{number:02}", start, end)
        start = end


def _week(
    session: Session, week: Week, index: UnitIndex, overrides: ColumnElement[bool]
) -> Mapping[str, Counts]:
    """Return the counts of a week by the answered unit's code."""
    of_week = and_(
        Classification.classified_at >= week.start, Classification.classified_at < week.end
    )
    counts: dict[str, Counts] = defaultdict(Counts)
    for unit, routed in _routed(session, of_week):
        counts[unit] += Counts(routed=routed)
    for unit, overridden in _overridden(session, of_week, overrides):
        counts[unit] += Counts(overridden=overridden)
    for unit, decided in _sampled(session, of_week):
        if decided is None:
            counts[unit] += Counts(undecided=1)
        elif index.agree(unit, decided):
            counts[unit] += Counts(right=1)
        else:
            counts[unit] += Counts(wrong=1)
    return counts


def _routed(session: Session, of_week: ColumnElement[bool]) -> list[tuple[str, int]]:
    query = (
        select(Classification.unit_code, func.count())
        .where(of_week, Classification.held_back.is_(None))
        .group_by(Classification.unit_code)
    )
    return [(unit, number) for unit, number in session.execute(query)]


def _overridden(
    session: Session, of_week: ColumnElement[bool], overrides: ColumnElement[bool]
) -> list[tuple[str, int]]:
    query = (
        select(Classification.unit_code, func.count(Classification.id.distinct()))
        .join(Correction, overrides)
        .where(of_week, Classification.held_back.is_(None))
        .group_by(Classification.unit_code)
    )
    return [(unit, number) for unit, number in session.execute(query)]


def is_override(session: Session, index: UnitIndex) -> ColumnElement[bool]:
    """Whether a correction took a ticket away from the unit to which an answer had routed it.

    Who gives it to what stands for that unit by now, such as a part of one that was split, takes it
    away from nobody; and what stands for it by now may return it.
    """
    agreeing = index.agreeing()
    answered, before, to = Classification.unit_code, Correction.from_unit, Correction.to_unit
    of_round = and_(
        Correction.ticket_id == Classification.ticket_id,
        Correction.round == Classification.round,
    )
    # Of all pairs those alone that stand in the record: a statement takes so many parameters.
    moves = select(before, to).where(Correction.how == CORRECT).distinct()
    returns = select(before, answered).join(Classification, of_round).distinct()
    within = _pairs(session, moves, agreeing)
    by_successor = _pairs(session, returns.where(Correction.how == RETURN), agreeing)
    moved = and_(before == answered, tuple_(before, to).not_in(within))
    returned = or_(before == answered, tuple_(before, answered).in_(by_successor))
    return and_(
        of_round,
        or_(and_(Correction.how == CORRECT, moved), and_(Correction.how == RETURN, returned)),
        # Chance asked about these, and only where another version answers otherwise.
        Correction.asked.is_distinct_from(Asked.DISAGREEMENT.value),
    )


def _pairs(
    session: Session, query: Select[Any, Any], agreeing: Collection[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Return the pairs of units of a query that agree."""
    if not agreeing:
        return []
    return [(one, other) for one, other in session.execute(query) if (one, other) in agreeing]


def _sampled(session: Session, of_week: ColumnElement[bool]) -> list[tuple[str, str | None]]:
    """Return (answered unit, unit decided last) of a week's sample; None is not decided."""
    last = (
        select(Correction.to_unit)
        .where(Correction.ticket_id == Classification.ticket_id)
        .order_by(Correction.id.desc())
        .limit(1)
        .correlate(Classification)
        .scalar_subquery()
    )
    query = select(Classification.unit_code, last).where(
        of_week, Classification.held_back == SAMPLED
    )
    return [(unit, decided) for unit, decided in session.execute(query)]
