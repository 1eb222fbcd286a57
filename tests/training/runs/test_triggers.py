"""When a run starts by itself: by decisions, by the clock, and never too soon."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from core.settings import Settings
from db import Database, clock, corrections, runs
from db.claims import new_token
from db.models import Ticket
from db.provenance import Asked
from db.run_tables import Run, RunState
from tests.support.answers import answer_all
from tests.support.draws import ended_run, put_draw, register_pair
from tests.support.make import add_tickets, add_units
from tests.support.training_runs import run_of
from training.runs.triggers import ask_where_due, judge_where_due, seconds_since


def decide(database: Database, count: int) -> None:
    """Have people decide so many tickets."""
    with database.writing() as session:
        undecided = session.query(Ticket).where(Ticket.decided_at.is_(None)).limit(count).all()
        for ticket in undecided:
            corrections.decide(session, ticket, "A", actor="ann")


@pytest.fixture
def tickets(database: Database) -> None:
    add_units(database)
    add_tickets(database, 10)


def due(database: Database, **settings: object) -> int | None:
    return ask_where_due(database, Settings.model_validate(settings), actor="trainer")


def end_all(database: Database, state: RunState = RunState.DONE, minutes_ago: float = 0) -> None:
    with database.writing() as session:
        held = runs.lease(session, token=new_token(), holder="t", device="cpu", seconds=60)
        assert held is not None
        runs.end(session, held.token, state)
        then = clock.after(-60 * minutes_ago)
        session.execute(
            update(Run).where(Run.id == held.run_id).values(asked_at=then, ended_at=then)
        )


def test_by_default_nothing_starts_by_itself(database: Database, tickets: None) -> None:
    decide(database, 10)

    assert due(database) is None


def test_so_many_decisions_start_a_run_and_count_anew_from_it(
    database: Database, tickets: None
) -> None:
    decide(database, 3)
    assert due(database, retrain_decisions=4) is None

    run_id = due(database, retrain_decisions=3)
    assert run_id is not None
    run = run_of(database, run_id)
    assert (run.asked_for, run.actor, run.kind) == ("decisions", "trainer", "linear")

    end_all(database)
    assert due(database, retrain_decisions=3, retrain_pause=0) is None
    decide(database, 3)
    assert due(database, retrain_decisions=3, retrain_pause=0) is not None


def test_no_run_starts_beside_another_or_soon_after_one(database: Database, tickets: None) -> None:
    decide(database, 3)
    assert due(database, retrain_decisions=1) is not None
    decide(database, 3)

    assert due(database, retrain_decisions=1, retrain_pause=0) is None  # one is under way
    end_all(database, minutes_ago=29)
    assert due(database, retrain_decisions=1, retrain_pause=30) is None
    assert due(database, retrain_decisions=1, retrain_pause=28) is not None


def test_a_run_starts_every_so_many_minutes(database: Database) -> None:
    first = due(database, retrain_every="60", retrain_pause=0)
    assert first is not None
    assert run_of(database, first).asked_for == "schedule"

    end_all(database, minutes_ago=59)
    assert due(database, retrain_every="60", retrain_pause=0) is None
    assert due(database, retrain_every="58", retrain_pause=0) is not None


def test_a_run_starts_once_after_a_time_of_day(database: Database) -> None:
    # Given a run of an hour ago
    assert due(database, retrain_every="60") is not None
    end_all(database, minutes_ago=60)
    now = datetime.now(ZoneInfo("UTC"))

    def at(minutes: int) -> str:
        return datetime.fromtimestamp(now.timestamp() + 60 * minutes, ZoneInfo("UTC")).strftime(
            "%H:%M"
        )

    # Then a moment before it, or one that is still to come today, starts none
    for schedule in (at(-90), at(90)):
        assert due(database, retrain_every=schedule, retrain_pause=0, timezone="UTC") is None
    # And one that came since does
    assert due(database, retrain_every=at(-30), retrain_pause=0, timezone="UTC") is not None


def test_the_time_of_day_is_that_of_its_zone() -> None:
    now = datetime(2026, 3, 1, 9, 30, tzinfo=ZoneInfo("Asia/Shanghai"))

    assert seconds_since("09:00", now) == 1800
    assert seconds_since("10:00", now) == 23.5 * 3600


@pytest.mark.parametrize("time_of_day", ["02:30", "00:00", "03:00"])
@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", (2026, 10, 25)),  # 03:00 becomes 02:00
        ("Europe/Berlin", (2026, 3, 29)),  # 02:00 becomes 03:00
        ("America/Santiago", (2026, 9, 6)),  # 00:00 becomes 01:00
        ("Asia/Shanghai", (2026, 3, 1)),
    ],
)
def test_a_time_of_day_comes_once_a_day_whatever_clocks_do(
    zone: str, day: tuple[int, int, int], time_of_day: str
) -> None:
    midnight = datetime(*day, tzinfo=ZoneInfo(zone)).timestamp()
    asked, times = 0.0, list[float]()

    for minute in range(-24 * 60, 48 * 60):
        now = datetime.fromtimestamp(midnight + 60 * minute, ZoneInfo(zone))
        since = seconds_since(time_of_day, now)
        assert 0 <= since <= 25 * 3600
        if now.timestamp() - asked > since:
            asked = now.timestamp()
            times.append(asked)

    # The first look is late for the day before
    assert len(times) in (3, 4)
    assert all(later - earlier > 22 * 3600 for earlier, later in pairwise(times[1:]))


def test_a_run_of_a_time_to_come_holds_no_other_up(database: Database) -> None:
    # Given a run of a month ahead, for the clock was wrong
    assert due(database, retrain_every="60") is not None
    end_all(database, minutes_ago=-30 * 24 * 60)

    again = due(database, retrain_every="60")

    # Then one comes now, and the next one in its time
    assert again is not None
    end_all(database)
    assert due(database, retrain_every="60") is None


@pytest.mark.parametrize("is_ahead", [True, False])
def test_the_first_run_of_a_time_of_day_waits_for_it(database: Database, *, is_ahead: bool) -> None:
    # Given no run yet, or one of a time to come
    if is_ahead:
        assert due(database, retrain_every="60") is not None
        end_all(database, minutes_ago=-30 * 24 * 60)
    now = datetime.now(ZoneInfo("UTC")).timestamp()

    def at(minutes: int) -> int | None:
        moment = datetime.fromtimestamp(now + 60 * minutes, ZoneInfo("UTC"))
        return due(database, retrain_every=f"{moment:%H:%M}", timezone="UTC")

    assert at(-120) is None
    assert at(120) is None
    assert at(-30) is not None


def test_a_run_is_like_the_last_that_ended_well(database: Database) -> None:
    # Given an LLM's run that ended well, and a linear one that failed since
    for kind, state in (("llm", RunState.REFUSED), ("linear", RunState.FAILED)):
        with database.writing() as session:
            runs.ask(session, kind, {"error_target": 0.1}, asked_for=runs.HAND, actor="ann")
        end_all(database, state, minutes_ago=10)

    run_id = due(database, retrain_every="5", retrain_pause=0)

    assert run_id is not None
    run = run_of(database, run_id)
    assert (run.kind, run.parameters) == ("llm", {"error_target": 0.1})


def answer_blind(database: Database, ids: list[int]) -> None:
    with database.writing() as session:
        for ticket in ids:
            found = session.get_one(Ticket, ticket)
            corrections.decide(session, found, "B", actor="li", asked=Asked.DISAGREEMENT)


def test_a_draw_that_is_answered_has_its_run_judged_anew_once(
    database: Database, tickets: None
) -> None:
    # Given ten tickets of which eight are answered
    register_pair(database)
    ids = answer_all(database, [("A", 0.9, None)] * 10)
    trained = ended_run(database, "w")
    put_draw(database, trained, ids)
    answer_blind(database, ids[:8])
    assert judge_where_due(database, actor="trainer") is None

    # When one more is
    answer_blind(database, ids[8:9])
    run_id = judge_where_due(database, actor="trainer")

    assert run_id is not None
    run = run_of(database, run_id)
    assert (run.judges, run.version, run.asked_for) == (trained, "w", "decisions")
    assert judge_where_due(database, actor="trainer") is None
    end_all(database, RunState.FAILED)  # nobody tries again and again
    assert judge_where_due(database, actor="trainer") is None


def test_a_run_that_judges_is_no_training(database: Database, tickets: None) -> None:
    register_pair(database)
    ids = answer_all(database, [("A", 0.9, None)] * 10)
    put_draw(database, ended_run(database, "w"), ids)
    answer_blind(database, ids)
    judged = judge_where_due(database, actor="trainer")
    assert judged is not None
    end_all(database, minutes_ago=90)

    # Ten decisions since the training was asked for
    run_id = due(database, retrain_decisions=10, retrain_pause=60)

    assert run_id is None  # the training ended just now
    run_id = due(database, retrain_decisions=10, retrain_pause=0)
    assert run_id is not None
    assert run_of(database, run_id).judges is None
