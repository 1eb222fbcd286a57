"""Runs that judge anew: asked for beside those that train, and never taken for one."""

import pytest

from db import Database, draws, judgings, runs, verdicts, versions
from db.run_tables import Run, RunState
from tests.support.draws import ended_run, put_draw, register_pair
from tests.support.make import add_tickets, add_units

PASSED: dict[str, object] = {"champion": "v", "promoted": True, "findings": []}
REFUSED: dict[str, object] = {"champion": "v", "promoted": False, "findings": []}


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    register_pair(database)


def judge_anew(database: Database, run_id: int) -> int:
    with database.writing() as session:
        run = session.get_one(Run, run_id)
        return judgings.judge_anew(session, run, draw=True, asked_for=runs.HAND, actor="li")


def end(database: Database, run_id: int, state: RunState, verdict: dict[str, object]) -> None:
    with database.writing() as session:
        run = session.get_one(Run, run_id)
        run.state, run.verdict = state, verdict


def test_it_has_the_version_and_snapshot_of_the_run_that_trained(database: Database) -> None:
    trained = ended_run(database, "w", RunState.REFUSED, REFUSED)

    first = judge_anew(database, trained)
    second = judge_anew(database, first)

    with database.reading() as session:
        for run_id in (first, second):
            run = session.get_one(Run, run_id)
            assert (run.judges, run.version, run.state) == (trained, "w", "queued")
            assert (run.snapshot_sha256, run.parameters) == ("5" * 64, {"draw": True})
        newest = runs.newest(session)
        assert newest is not None
        assert newest.id == trained


def test_the_last_verdict_counts_and_each_is_a_look(database: Database) -> None:
    trained = ended_run(database, "w", RunState.REFUSED, REFUSED)
    assert standing(database) == (trained, None, 1)

    again = judge_anew(database, trained)
    assert standing(database) == (trained, None, 1)
    end(database, again, RunState.DONE, PASSED)
    assert standing(database) == (None, "w", 2)

    end(database, judge_anew(database, trained), RunState.FAILED, {})
    assert standing(database) == (None, "w", 2)


def test_a_version_that_waits_for_blind_answers_is_candidate_and_not_let_pass(
    database: Database,
) -> None:
    waits = ended_run(database, "w", RunState.DONE, REFUSED)

    assert standing(database) == (waits, "w", 1)


def standing(database: Database) -> tuple[int | None, str | None, int]:
    """The run that refuses the challenger, the candidate, and the looks at the champion."""
    with database.reading() as session:
        refused = verdicts.refused_run(session, "w")
        looks = verdicts.count_verdicts(session, "v")
        return refused.id if refused else None, versions.candidate(session), looks


def test_whether_a_draw_was_judged_by_is_known_whatever_came_of_it(database: Database) -> None:
    trained = ended_run(database, "w")
    judge_anew(database, trained)
    put_draw(database, trained, add_tickets(database, 1))

    assert not was_judged(database)
    end(database, judge_anew(database, trained), RunState.FAILED, {})
    assert was_judged(database)


def was_judged(database: Database) -> bool:
    with database.reading() as session:
        draw = draws.open_draw(session)
        assert draw is not None
        return judgings.was_judged_since(session, draw)
