"""``paidan up`` and ``paidan demo``: they mend themselves and leave no process behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from core.settings import Settings
from db import Database, open_database
from paidan.embedded import interrupts_raised
from tests.support.make import add_units, promote_constant
from tests.support.processes import wait_until

pytestmark = pytest.mark.kill


def processes_of(home: Path) -> list[psutil.Process]:
    """All live processes started for this home: the environment tells.

    Valkey writes its title over its environment; the title names its socket.
    """
    found = []
    socket = str(Settings(home=home).embedded_socket)
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            of_home = environment.get("PAIDAN_HOME") == str(home) or any(
                socket in word for word in process.cmdline()
            )
            if of_home and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


class Launched:
    """A ``paidan`` command in the background, its output in a file."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.output = home.with_name(f"{arguments[0]}.out")
        with self.output.open("w") as output:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "paidan", *arguments],
                env=os.environ | {"PAIDAN_HOME": str(home), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # A shell has its background jobs ignore Ctrl-C, and they pass it on.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def await_output(self, text: str) -> None:
        wait_until(lambda: text in self.output.read_text("utf-8"), 60, f"{text!r} in the output")

    def stop(self, sent: signal.Signals = signal.SIGINT) -> int:
        self.popen.send_signal(sent)
        return self.popen.wait(40)


Launch = Callable[..., Launched]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "stack"


@pytest.fixture
def launch(home: Path) -> Iterator[Launch]:
    """Start commands on ``home``; what a failing test leaves running is killed."""
    launched: list[Launched] = []

    def start(*arguments: str) -> Launched:
        launched.append(Launched(home, *arguments))
        return launched[-1]

    yield start
    for process in processes_of(home):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    for each in launched:
        each.popen.wait(10)


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


def paidan(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "paidan", *arguments],
        env=os.environ | {"PAIDAN_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_up_leaves_no_process_behind_however_it_ends(
    home: Path, up: Callable[[], Launched], sent: signal.Signals
) -> None:
    stack = up()
    # Itself, Redis, relay, worker and the worker's child
    wait_until(lambda: len(processes_of(home)) >= 5, 20, "all parts run")

    code = stack.stop(sent)

    assert code == (-sent if sent == signal.SIGKILL else 0)
    wait_until(lambda: not processes_of(home), 10, "every part has ended")


def test_tickets_pushed_while_parts_are_killed_all_arrive(
    home: Path, up: Callable[[], Launched], tmp_path: Path
) -> None:
    # Given a running stack, pushed to by another command that finds it by itself
    prepare(home).engine.dispose()
    file = tmp_path / "t.csv"
    file.write_text("text\n" + "".join(f"路灯坏了 {n}\n" for n in range(500)), "utf-8")
    stack = up()

    # When Redis, relay and worker are killed
    for name in ("valkey-server", "relay", "worker"):
        for part in processes_of(home):
            # A part may end by itself between two looks: the worker's child goes with its parent.
            with contextlib.suppress(psutil.NoSuchProcess):
                if part.pid != stack.popen.pid and any(name in word for word in part.cmdline()):
                    part.kill()
    pushed = paidan(home, "push", str(file), "--wait", "--json")
    if pushed.returncode != 0:  # Redis was still down: known tickets are only waited for
        pushed = paidan(home, "push", str(file), "--wait", "--json")

    # Then they come back and every ticket is routed
    assert pushed.returncode == 0, pushed.stderr
    summary = json.loads(pushed.stdout)
    assert (summary["routed"], summary["dead"]) == (500, 0)
    assert stack.stop() == 0


def test_two_stacks_on_one_home_are_refused(home: Path, up: Callable[[], Launched]) -> None:
    stack = up()

    second = paidan(home, "up", "--cpu")

    assert second.returncode == 1
    assert f"already running as process {stack.popen.pid}" in second.stderr
    stack.stop()


def test_a_promotion_reaches_the_running_worker(
    home: Path, up: Callable[[], Launched], tmp_path: Path
) -> None:
    # Given a worker that answers with A
    database = prepare(home)
    stack = up()
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"text\n{name}\n", "utf-8")
    paidan(home, "push", str(tmp_path / "a.csv"), "--wait")

    # When a model that answers with B is promoted
    promote_constant(database, Settings(home=home).resolved_models_dir, ("B", "B", "A"))
    paidan(home, "push", str(tmp_path / "b.csv"), "--wait")

    # Then the next ticket has its answer
    out = paidan(home, "export", "-").stdout
    units = [json.loads(line)["final_unit"] for line in out.splitlines()]
    assert units == ["甲局", "乙局"]
    assert stack.stop() == 0
    database.engine.dispose()


@pytest.mark.parametrize("stage", [0.0, 0.2, "starting", "training", "to learn from"])
def test_an_interrupted_demo_leaves_no_process_behind(
    home: Path, launch: Launch, stage: float | str
) -> None:
    # Given a demo that has come to a certain stage
    demo = launch("demo", "--home", str(home), "--tickets", "100")
    if isinstance(stage, str):
        demo.await_output(stage)
    else:
        time.sleep(stage)

    # When it is interrupted
    code = demo.stop()

    # Then it says so with its exit code, and nothing runs on
    assert code in (130, -signal.SIGINT, 1)
    wait_until(lambda: not processes_of(home), 10, "every part has ended")


def test_an_interrupt_that_garbage_swallows_comes_again() -> None:
    class Garbage:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def interrupted() -> None:
        with interrupts_raised():
            garbage = Garbage()
            del garbage
            wait_until(lambda: False, 10, "the interrupt")

    with pytest.raises(KeyboardInterrupt):
        interrupted()


def test_the_demo_refuses_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    ran = paidan(tmp_path / "home", "demo", "--home", str(tmp_path))

    assert ran.returncode == 1
    assert "name another --home" in ran.stderr
    assert (tmp_path / "thesis.txt").exists()
