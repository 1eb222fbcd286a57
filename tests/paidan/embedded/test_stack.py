"""``paidan up``: the stack mends itself and leaves no process behind."""

import contextlib
import json
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from core.settings import Settings
from db import Database, open_database
from tests.support.launched import Launch, Launched, processes_of, run_paidan
from tests.support.make import add_units, promote_constant
from tests.support.processes import wait_until

pytestmark = pytest.mark.kill


@pytest.fixture
def up(launch: Launch) -> Callable[[], Launched]:
    """Start ``paidan up`` and wait until it says that it is up."""

    def start() -> Launched:
        launched = launch("up", "--cpu")
        launched.await_output("Paidan is up")
        return launched

    return start


def prepare(home: Path) -> Database:
    """A migrated database with a promoted constant model."""
    settings = Settings(home=home)
    database = open_database(settings)
    add_units(database)
    promote_constant(database, settings.resolved_models_dir)
    return database


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_up_leaves_no_process_behind_however_it_ends(
    stack_home: Path, up: Callable[[], Launched], sent: signal.Signals
) -> None:
    stack = up()
    # Itself, Redis, relay, trainer, worker and the worker's child
    wait_until(lambda: len(processes_of(stack_home)) >= 6, 20, "all parts run")

    code = stack.stop(sent)

    assert code == (-sent if sent == signal.SIGKILL else 0)
    wait_until(lambda: not processes_of(stack_home), 10, "every part has ended")


def test_tickets_pushed_while_parts_are_killed_all_arrive(
    stack_home: Path, up: Callable[[], Launched], tmp_path: Path
) -> None:
    # Given a running stack, pushed to by another command that finds it by itself
    prepare(stack_home).engine.dispose()
    file = tmp_path / "t.csv"
    file.write_text("text\n" + "".join(f"路灯坏了 {n}\n" for n in range(500)), "utf-8")
    stack = up()

    # When Redis, relay, trainer and worker are killed
    for name in ("valkey-server", "relay", "trainer", "worker"):
        for part in processes_of(stack_home):
            # A part may end by itself between two looks: the worker's child goes with its parent.
            with contextlib.suppress(psutil.NoSuchProcess):
                if part.pid != stack.popen.pid and any(name in word for word in part.cmdline()):
                    part.kill()
    pushed = run_paidan(stack_home, "push", str(file), "--wait", "--json")
    if pushed.returncode != 0:  # Redis was still down: known tickets are only waited for
        pushed = run_paidan(stack_home, "push", str(file), "--wait", "--json")

    # Then they come back and every ticket is routed
    assert pushed.returncode == 0, pushed.stderr
    summary = json.loads(pushed.stdout)
    assert (summary["routed"], summary["dead"]) == (500, 0)
    assert stack.stop() == 0


def test_two_stacks_on_one_home_are_refused(stack_home: Path, up: Callable[[], Launched]) -> None:
    stack = up()

    second = run_paidan(stack_home, "up", "--cpu")

    assert second.returncode == 1
    assert f"already running as process {stack.popen.pid}" in second.stderr
    stack.stop()


def test_a_promotion_reaches_the_running_worker(
    stack_home: Path, up: Callable[[], Launched], tmp_path: Path
) -> None:
    # Given a worker that answers with A
    database = prepare(stack_home)
    stack = up()
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"text\n{name}\n", "utf-8")
    run_paidan(stack_home, "push", str(tmp_path / "a.csv"), "--wait")

    # When a model that answers with B is promoted
    promote_constant(database, Settings(home=stack_home).resolved_models_dir, ("B", "B", "A"))
    run_paidan(stack_home, "push", str(tmp_path / "b.csv"), "--wait")

    # Then the next ticket has its answer
    out = run_paidan(stack_home, "export", "-").stdout
    units = [json.loads(line)["final_unit"] for line in out.splitlines()]
    assert units == ["甲局", "乙局"]
    assert stack.stop() == 0
    database.engine.dispose()
