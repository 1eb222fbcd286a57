"""The servers and processes of a siege, and the settings they share."""

import random
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.settings import Settings
from db import Database
from tests.support.make import add_units, promote_constant
from tests.support.processes import relay, worker
from tests.support.training_runs import trainer
from tests.whole.chaos.parts import Part, Supervisor
from tests.whole.chaos.servers import (
    PostgresServer,
    RedisServer,
    SqliteFile,
    running_database,
    wait_for_redis,
)
from tests.whole.chaos_training.strikes import CHILD, DATABASE, PARENT, REDIS

# As short as the faults allow; the trainer takes a silent one for dead after ``claim``.
_TIMES = {
    "task_loop": 2.0,
    "hard_limit": 6.0,
    "claim": 7.0,
    "visibility": 10.0,
    "heartbeat": 0.5,
    "relay_sweep": 1.0,
    "stop_grace": 25.0,
    "model_load": 60.0,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a siege is to be.

    Parameters:
        seed: decides everything that is chosen.
        database: ``sqlite``, which is no process and is not killed, or ``postgresql``.
        kills: how often each is killed.
        runs: the kinds of the runs in the order they are asked for; the last one comes again.
        constant: whether a constant model answers from the beginning on; else the first run's.
        every: seconds between two tickets.
    """

    seed: int
    database: str
    kills: int = 5
    runs: tuple[str, ...] = ("linear", "llm", "linear")
    constant: bool = False
    every: float = 0.25

    @property
    def targets(self) -> tuple[str, ...]:
        """What is killed."""
        return (CHILD, PARENT, REDIS, *((DATABASE,) if self.database == "postgresql" else ()))


@dataclass(slots=True)
class Stack:
    """What a siege works with.

    Attributes:
        over: set when the last kill is over: nothing new is asked for or submitted.
        ended: set when all threads must end, whatever they wait for.
        findings: what must not happen and did.
    """

    plan: Plan
    folder: Path
    settings: Settings
    redis: RedisServer
    server: SqliteFile | PostgresServer
    database: Database
    redis_part: Part
    trainer: Part
    parts: list[Part]
    supervisor: Supervisor
    over: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    findings: list[str] = field(default_factory=list)

    def find(self, what: str) -> None:
        """Note what must not happen."""
        self.findings.append(what)

    def log_tail(self, part: str, lines: int = 15) -> str:
        """Return the end of a part's log."""
        text = (self.folder / f"{part}.log").read_text("utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])


@contextmanager
def started_stack(plan: Plan, folder: Path) -> Iterator[Stack]:
    """Start everything; stop it hard at the end."""
    rng = random.Random(f"{plan.seed}:stack")
    with (
        tempfile.TemporaryDirectory(prefix="paidan-") as short,
        running_database(plan.database, folder) as server,
    ):
        redis = RedisServer(folder / "redis", Path(short), tcp=rng.random() < 0.5)
        settings = Settings(
            home=folder / "home",
            database_url=server.url,
            redis_url=redis.url,
            review_sample=0,
            checkpoint=0,
            **_TIMES,  # type: ignore[arg-type]
        )
        database = Database(settings.resolved_database_url)
        add_units(database)
        if plan.constant:
            promote_constant(database, settings.resolved_models_dir)
        redis_part = Part("redis", redis)
        training = Part("trainer", trainer(settings, folder / "trainer.log"))
        parts = [
            redis_part,
            Part("relay", relay(settings, folder / "relay.log")),
            Part("worker", worker(settings, folder / "worker.log")),
            training,
        ]
        supervisor = Supervisor(parts, rng)
        stack = Stack(
            plan,
            folder,
            settings,
            redis,
            server,
            database,
            redis_part,
            training,
            parts,
            supervisor,
        )
        supervisor.start()
        try:
            wait_for_redis(redis)
            yield stack
        finally:
            stack.ended.set()
            stop_parts(stack, hard=True)
            supervisor.end()
            supervisor.join(timeout=5)
            database.engine.dispose()


def stop_parts(stack: Stack, *, hard: bool = False) -> None:
    """End all parts but Redis, cleanly or not, and find those that take too long; then Redis."""
    stack.supervisor.hold()
    stack.supervisor.join(timeout=0.5)
    for part in reversed(stack.parts):
        popen = part.process.popen
        if popen is None or popen.poll() is not None:  # type: ignore[attr-defined]
            continue
        if hard or part is stack.redis_part:
            popen.kill()  # type: ignore[attr-defined]
        else:
            popen.terminate()  # type: ignore[attr-defined]
        try:
            popen.wait(stack.settings.stop_grace + 5)  # type: ignore[attr-defined]
        except subprocess.TimeoutExpired:
            stack.find(f"{part.name} did not stop in {stack.settings.stop_grace:g} s")
            popen.kill()  # type: ignore[attr-defined]
