"""Training runs with real processes: whatever is killed, each is worked off, once.

These start ``paidan trainer`` as it runs in production. ``tests/whole/chaos_training`` kills it and
the process of its run, Redis and the database while tickets arrive; ``make chaos-training`` kills
them more often.
"""

import os
from pathlib import Path

import pytest

from core.settings import Settings
from db import Database, runs
from tests.support.llm import themed_samples
from tests.support.processes import is_alive, wait_until
from tests.support.training_runs import (
    ENDED,
    ask_for_run,
    children_at_work,
    left_in_home,
    quick,
    registered,
    run_of,
    state_of,
    trainer,
    versions_in,
    wait_for_child,
    wait_for_end,
)
from tests.whole.chaos_training.siege import besiege
from tests.whole.chaos_training.stack import Plan
from training.runs.workplace import Workplace

pytestmark = pytest.mark.kill

KILLS_OF_EACH = int(os.environ.get("TEST_TRAINER_KILLS", "1"))


@pytest.fixture
def times(settings: Settings) -> Settings:
    """A trainer that looks each half second."""
    return quick(settings)


@pytest.mark.timeout(240 + 120 * KILLS_OF_EACH)
@pytest.mark.parametrize(
    "plan",
    [
        Plan(1, "sqlite", KILLS_OF_EACH, ("linear",), constant=True, every=0.5),
        Plan(4, "postgresql", KILLS_OF_EACH, ("llm",), constant=True, every=1.0),
    ],
    ids=["linear on sqlite", "llm on postgresql"],
)
def test_a_run_whose_every_part_is_killed_learns_what_an_unbroken_one_does_and_no_ticket_is_lost(
    plan: Plan, tmp_path: Path
) -> None:
    # Given a worker that answers, a run, and a ticket each second or more; when all is killed
    report = besiege(plan, tmp_path / "siege")

    # Then each run has one version, as learned without a break, and each ticket has one answer
    assert report.problems == [], "\n".join(report.problems + report.strikes)
    assert report.kills == dict.fromkeys(plan.targets, KILLS_OF_EACH)
    assert report.attempts > report.runs
    assert report.pushed > 5


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_cancelled_run_ends_with_its_process_and_leaves_nothing(
    database: Database, times: Settings, tmp_path: Path
) -> None:
    # Given a run at work, and one that waits
    run_id = ask_for_run(database, times, themed_samples())
    with trainer(times, tmp_path / "log") as process:
        child = wait_for_child(process)
        place = Workplace(times, run_id)
        wait_until(place.staging.exists, 30, "it trains")
        other = ask_for_run(database, times, themed_samples())

        with database.writing() as session:
            runs.cancel(session, run_id, actor="ann")

        run = wait_for_end(database, run_id, 30)
        wait_until(lambda: not is_alive(child), 20, "its process ends")
        assert (run.state, run.cancelled_by, run.version) == ("cancelled", "ann", None)

        # And the trainer takes the next one
        made = wait_for_end(database, other)
        wait_until(lambda: left_in_home(times) == [], 20, "nothing is left")
    assert made.state == "done"
    assert registered(database) == versions_in(times) == [made.version]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_trainers_work_each_run_off_once(
    database: Database, times: Settings, tmp_path: Path
) -> None:
    # No version answers, so that none is compared with it
    settings = [
        Settings.model_validate(times.model_dump() | {"trainer_name": name, "promote": "ask"})
        for name in ("a", "b")
    ]
    with (
        trainer(settings[0], tmp_path / "a.log") as a,
        trainer(settings[1], tmp_path / "b.log") as b,
    ):
        asked = [ask_for_run(database, times, themed_samples()) for _ in range(2)]
        most = 0

        def all_ended() -> bool:
            nonlocal most
            most = max(most, len(children_at_work(a)) + len(children_at_work(b)))
            return all(state_of(database, run_id) in ENDED for run_id in asked)

        wait_until(all_ended, 120, "both runs", pause=0.2)

    assert most == 1  # this machine has one device
    assert [run_of(database, run_id).attempts for run_id in asked] == [1, 1]
    assert len(registered(database)) == 2
