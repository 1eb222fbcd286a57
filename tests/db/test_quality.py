"""Quality: what the blind sample says of the routed tickets, by week and unit."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from db import Database, corrections, returns
from db.models import Classification
from db.quality import Counts, Quality, read_quality, weeks_of
from db.taxonomy import UnitRecord
from tests.support.answers import add_version, answer_all, correct
from tests.support.make import UNITS, add_more_tickets, add_tickets, add_units, utc_now
from tests.support.returns import return_ticket
from tests.support.units import load

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    add_version(database, "v")


def read(database: Database, *, weeks: int = 1) -> Quality:
    until = utc_now() + timedelta(seconds=1)
    with database.reading() as session:
        return read_quality(session, until - timedelta(weeks=weeks), until, UTC)


def answer(database: Database, unit: str, held_back: str | None, count: int = 1) -> list[int]:
    add_more_tickets(database, count)
    return answer_all(database, [(unit, 0.9, held_back)] * count)


def test_the_sample_tells_the_error_and_what_waits(database: Database) -> None:
    answer(database, "A", None, 50)
    answer(database, "B", "doubtful", 5)  # nobody would have acted on them
    right, wrong, _ = answer(database, "A", "sample", 3)
    correct(database, right, "A")
    correct(database, wrong, "B")

    total = read(database).total

    assert total == Counts(routed=50, right=1, wrong=1, undecided=1)
    assert (total.sampled, total.decided, total.error) == (3, 2, 0.5)
    assert total.error_interval == pytest.approx((0.0126, 0.9874), abs=1e-4)
    assert total.error_limits == (1 / 3, 2 / 3)


def test_routed_tickets_that_people_or_units_took_away_are_overridden(database: Database) -> None:
    routed = answer(database, "A", None, 10)
    correct(database, routed[0], "A")  # confirmed
    correct(database, routed[1], "B")
    correct(database, routed[1], "C")  # once more: still one ticket
    with database.writing() as session:
        return_ticket(session, routed[2], 0, actor="A")

    total = read(database).total

    assert (total.routed, total.overridden, total.override_rate) == (10, 2, 0.2)


def test_the_last_decision_is_the_truth_and_after_a_return_there_is_none(
    database: Database,
) -> None:
    changed, returned = answer(database, "A", "sample", 2)
    correct(database, changed, "A")
    correct(database, changed, "B", "wang")
    correct(database, returned, "A")
    with database.writing() as session:
        return_ticket(session, returned, 0, actor="A")

    assert read(database).total == Counts(wrong=1, undecided=1)


def test_units_are_told_apart_and_a_merged_one_agrees_with_its_successor(
    database: Database,
) -> None:
    for unit in "AB":
        [ticket] = answer(database, unit, "sample")
        correct(database, ticket, "B")
    load(database, UnitRecord("A", UNITS["A"], status="merged", merged_into="B"))

    assert read(database).by_unit == {"A": Counts(right=1), "B": Counts(right=1)}


def test_who_gives_a_ticket_to_what_stands_for_its_unit_now_overrides_nothing(
    database: Database,
) -> None:
    # Given a split, after which people sort what is under way by its parts
    load(database, UnitRecord("D", "丁局"))
    moved, wrong, returned = answer(database, "A", None, 3)
    load(database, UnitRecord("A", UNITS["A"], status="retired", split_into=("B", "D")))
    correct(database, moved, "D")
    correct(database, wrong, "C")
    with database.writing() as session:
        found = corrections.find_ticket(session, "file", f"t{returned}")
        assert found is not None
        assert returns.return_ticket(session, found, "B", "不归我管", actor="li").status

    # Then the others alone were taken away
    assert read(database).total == Counts(routed=3, overridden=2)


def test_a_correction_between_units_that_are_one_now_overrides_nothing(
    database: Database,
) -> None:
    # Given corrections between units that are one now, and between others
    load(database, UnitRecord("D", "丁局"))
    one, other = answer(database, "A", None, 2)
    correct(database, one, "B")
    correct(database, other, "C")
    for unit in "AB":
        load(database, UnitRecord(unit, UNITS[unit], status="merged", merged_into="D"))

    assert read(database).total == Counts(routed=2, overridden=1)


def test_nothing_answered_is_nothing_known(database: Database) -> None:
    found = read(database)

    assert (found.total, found.by_unit) == (Counts(), {})
    assert found.total.error is None
    assert found.total.error_interval == found.total.error_limits == (0.0, 1.0)


def test_tickets_are_of_the_week_in_which_they_were_answered(database: Database) -> None:
    ids = add_tickets(database, 3)
    answer_all(database, [("A", 0.9, None)] * 3)
    # Monday 00:30 in Shanghai is Sunday in UTC
    times = ("2026-11-08T15:00:00", "2026-11-08T16:30:00", "2026-11-15T15:59:59")
    with database.writing() as session:
        for ticket, time in zip(ids, times, strict=True):
            at = datetime.fromisoformat(time).replace(tzinfo=UTC)
            of_ticket = update(Classification).where(Classification.ticket_id == ticket)
            session.execute(of_ticket.values(classified_at=at))

    with database.reading() as session:
        since, until = (datetime(2026, 11, day, 12, tzinfo=UTC) for day in (5, 17))
        found = read_quality(session, since, until, SHANGHAI)

    assert [(week.label, counts.routed) for week, counts in found.by_week] == [
        ("2026-W45", 1),
        ("2026-W46", 2),
        ("2026-W47", 0),
    ]


def test_a_period_is_cut_into_weeks_that_leave_no_gap() -> None:
    since, until = datetime(2026, 12, 30, tzinfo=UTC), datetime(2027, 1, 12, 5, tzinfo=UTC)

    weeks = list(weeks_of(since, until, SHANGHAI))

    assert [week.label for week in weeks] == ["2026-W53", "2027-W01", "2027-W02"]
    assert (weeks[0].start, weeks[-1].end) == (since, until)
    assert all(one.end == after.start for one, after in pairwise(weeks))
    assert weeks[1].start.weekday() == 0


def test_a_week_with_another_share_is_told_from_one_by_chance() -> None:
    assert Counts(routed=990, right=10).is_share(0.01)
    assert Counts(routed=3).is_share(0.01)
    assert not Counts(routed=10_000).is_share(0.01)
    assert not Counts(routed=900, right=90, wrong=10).is_share(0.01)
