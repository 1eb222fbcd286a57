"""Training runs with real processes: whatever is killed, each is worked off, once.

These start ``paidan trainer`` as it runs in production and kill it, the process of a run, Redis and
the database with SIGKILL while they work.
"""

import os
import random
import resource
import time
from pathlib import Path

import psutil
import pytest
from safetensors.torch import load_file
from sqlalchemy import select
from torch import Tensor

from classifier.labels.head import HEAD
from classifier.model.adapter_file import WEIGHTS
from classifier.model.bases.entries import STAND_IN
from classifier.version_files import read_manifest
from core.errors import DatabaseUnavailableError
from core.settings import Settings
from db import Database, run_points, runs
from db.models import Event
from db.run_tables import Run
from tests.support.llm import RECIPE, themed_samples
from tests.support.processes import wait_until
from tests.support.redis_process import RedisProcess
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
from tests.whole.chaos.servers import PostgresServer, running_database

pytestmark = pytest.mark.kill

# Of a run's process and of its trainer each; all of them with TEST_TRAINER_KILLS=5.
KILLS_OF_EACH = int(os.environ.get("TEST_TRAINER_KILLS", "1"))
STEPS = 40
# A head beside the names, dropout, many short steps.
LLM_RECIPE = RECIPE.replace("head = 0", "head_learning_rate = 4e-3").replace(
    "num_train_epochs = 4", f"max_steps = {STEPS}"
)
LLM = {"base": STAND_IN, "recipe": LLM_RECIPE, "error_target": 1.0}


@pytest.fixture
def times(settings: Settings) -> Settings:
    """A trainer that looks each half second; a checkpoint after each step."""
    return quick(settings, checkpoint=0)


def ask_for_llm(database: Database, settings: Settings) -> int:
    return ask_for_run(database, settings, themed_samples(), "llm", **LLM)


def reach(database: Database, run_id: int, step: int) -> None:
    """Wait until a run's training has left a checkpoint of a step."""
    wait_until(
        lambda: (run_of(database, run_id).checkpoint_step or 0) >= step,
        90,
        f"step {step} of run {run_id}",
    )


def learned(settings: Settings, name: str | None) -> dict[str, Tensor]:
    folder = settings.resolved_models_dir / str(name)
    return {**load_file(folder / WEIGHTS), **load_file(folder / HEAD)}


def check_single(database: Database, settings: Settings, run: Run) -> None:
    """A run has left one version, whole and registered, and nothing else."""
    assert (run.state, run.error) == ("done", None)
    assert registered(database) == [run.version] == versions_in(settings)
    read_manifest(settings.resolved_models_dir / str(run.version))  # every file is what it was
    assert left_in_home(settings) == []


@pytest.mark.timeout(300 + 60 * KILLS_OF_EACH)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_killed_llm_training_goes_on_and_learns_what_an_unbroken_one_does(
    database: Database, times: Settings, tmp_path: Path
) -> None:
    # Given a run whose process and trainer are killed in turn, at random steps
    broken = ask_for_llm(database, times)
    moments = sorted(random.Random(3).sample(range(2, STEPS - 5), 2 * KILLS_OF_EACH))
    with trainer(times, tmp_path / "log") as process:
        for number, step in enumerate(moments):
            reach(database, broken, step)
            child = wait_for_child(process)
            if number % 2 == 0:
                child.kill()
            else:
                process.kill()
                wait_until(lambda: is_dead(child), 20, "the child's end with its parent")  # noqa: B023
                process.start()
        run = wait_for_end(database, broken, 150)
        wait_until(lambda: left_in_home(times) == [], 20, "nothing is left")
        check_single(database, times, run)
        assert run.attempts == 1 + len(moments)
        assert run.deaths < 2

        # When the same is trained without a break
        unbroken = wait_for_end(database, ask_for_llm(database, times), 150)

    # Then both have the same weights, and the broken one's curve misses no step
    assert (unbroken.snapshot_sha256, unbroken.attempts) == (run.snapshot_sha256, 1)
    mine, theirs = learned(times, run.version), learned(times, unbroken.version)
    assert mine.keys() == theirs.keys()
    assert max(float((mine[n] - theirs[n]).abs().max()) for n in mine) < 1e-5
    with database.reading() as session:
        points = run_points.list_points(session, broken)
        died = session.scalars(select(Event).where(Event.kind == "run.died")).all()
    assert [point.step for point in points] == list(range(5, STEPS + 1, 5))
    assert all(point.loss and point.validation for point in points)
    assert len(died) == len(moments)


def is_dead(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@pytest.mark.timeout(120 + 90 * KILLS_OF_EACH)
def test_linear_runs_that_are_killed_at_random_moments_start_anew_once(
    database: Database, times: Settings, tmp_path: Path
) -> None:
    moments = random.Random(5)
    made = set()
    with trainer(times, tmp_path / "log") as process:
        for kill in ["child", "parent"] * KILLS_OF_EACH:
            run_id = ask_for_run(database, times, themed_samples())
            child = wait_for_child(process)
            time.sleep(moments.uniform(0, 4))
            if kill == "child":
                child.kill()
            else:
                process.kill()
                process.start()
            run = wait_for_end(database, run_id)
            assert run.error is None
            assert run.attempts <= 2
            wait_until(lambda: left_in_home(times) == [], 30, "nothing is left")
            made.add(run.version)

    assert len(made) == 2 * KILLS_OF_EACH
    assert set(registered(database)) == made == set(versions_in(times))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_run_does_not_mind_that_redis_dies_and_a_message_wakes_its_trainer(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    with RedisProcess() as redis:
        settings = Settings(home=tmp_path / "home", database_url=database_url, redis_url=redis.url)
        settings = quick(settings)
        with trainer(settings, tmp_path / "log") as process:
            run_id = ask_for_run(database, settings, themed_samples())
            wait_for_child(process)
            redis.kill()
            run = wait_for_end(database, run_id)
            redis.start()

            assert (run.state, run.attempts) == ("done", 1)
            assert process.popen is not None
            assert process.popen.poll() is None


@pytest.mark.timeout(300)
def test_a_database_that_crashes_ends_no_training(tmp_path: Path) -> None:
    # Given a run that trains on a database of its own
    with running_database("postgresql", tmp_path) as server, RedisProcess() as redis:
        assert isinstance(server, PostgresServer)
        settings = quick(
            Settings(home=tmp_path / "home", database_url=server.url, redis_url=redis.url),
            checkpoint=0,
        )
        database = Database(server.url)
        run_id = ask_for_llm(database, settings)
        with trainer(settings, tmp_path / "log") as process:
            reach(database, run_id, 3)
            child = wait_for_child(process)

            # When the database is away for longer than a lease
            server.stop("immediate")
            time.sleep(settings.claim + 2)
            assert child.is_running()
            server.restart()

            # Then the same process goes on
            wait_until(lambda: is_there(database), 30, "the database")
            run = wait_for_end(database, run_id, 150)
            wait_until(lambda: left_in_home(settings) == [], 20, "nothing is left")
        check_single(database, settings, run)
        assert (run.attempts, run.deaths) == (1, 0)
        database.engine.dispose()


def is_there(database: Database) -> bool:
    try:
        with database.reading():
            return True
    except DatabaseUnavailableError:
        return False


@pytest.mark.timeout(200)
def test_a_cancelled_run_ends_with_its_process_and_leaves_nothing(
    database: Database, times: Settings, tmp_path: Path
) -> None:
    run_id = ask_for_llm(database, times)
    with trainer(times, tmp_path / "log") as process:
        reach(database, run_id, 2)
        child = wait_for_child(process)

        with database.writing() as session:
            runs.cancel(session, run_id, actor="ann")

        run = wait_for_end(database, run_id, 30)
        wait_until(lambda: is_dead(child), 20, "its process ends")
        wait_until(lambda: left_in_home(times) == [], 20, "nothing is left")
        assert (run.state, run.cancelled_by, run.version) == ("cancelled", "ann", None)
        assert registered(database) == versions_in(times) == []

        # And the trainer takes the next one
        other = ask_for_run(database, times, themed_samples())
        assert wait_for_end(database, other).state == "done"


@pytest.mark.timeout(200)
def test_two_trainers_work_each_run_off_once(
    database: Database, times: Settings, tmp_path: Path
) -> None:
    settings = [
        Settings.model_validate(times.model_dump() | {"trainer_name": name}) for name in ("a", "b")
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

        wait_until(all_ended, 120, "both runs", pause=0.05)

    assert most == 1  # this machine has one device
    assert [run_of(database, run_id).attempts for run_id in asked] == [1, 1]
    assert len(registered(database)) == 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_full_disk_fails_a_run_with_a_line_that_says_what_to_do(
    database: Database, times: Settings, tmp_path: Path
) -> None:
    # Given a trainer whose files may not grow to the size of a checkpoint
    run_id = ask_for_llm(database, times)
    process = trainer(times, tmp_path / "log")
    with limited_files(100_000), process:
        run = wait_for_end(database, run_id, 90)
        wait_until(lambda: left_in_home(times) == [], 20, "nothing is left")

    assert run.state == "failed"
    assert "the disk is full, or a file may not grow" in (run.error or "")
    assert str(times.resolved_home) in (run.error or "")
    assert registered(database) == versions_in(times) == []


class limited_files:  # noqa: N801
    """Lets processes that are started in the block write no larger files."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __enter__(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._size, self._before[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)
