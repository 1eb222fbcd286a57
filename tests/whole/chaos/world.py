"""Everything a run works with: servers, processes, the settings they share, and what it is at."""

import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.settings import Settings
from db import Database
from tests.support.make import add_units, promote_constant
from tests.support.processes import relay, worker
from tests.whole.chaos.parts import Part, Supervisor
from tests.whole.chaos.servers import (
    PostgresServer,
    RedisServer,
    SqliteFile,
    running_database,
    wait_for_redis,
)

# Units A and B are learned by both versions, in a different order of frequency; C by none.
_ANSWERS = (("A", "A", "A", "B"), ("B", "B", "B", "A"))
# What is killed comes again, and is not to blame: no ticket may die of it.
_MAX_ATTEMPTS = 40
# An entry acknowledged this long before Redis is killed may miss in its append-only file.
_AOF_LOSS_S = 3.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to be.

    Attributes:
        seed: decides everything that is chosen.
        database: ``sqlite`` or ``postgresql``.
        seconds: how long faults go on.
        drain: how long everything may take to be done once they ended, in seconds.
        silent_after: a worker that takes nothing for so many seconds is silent.
        quick: short times and faults, for a run of some seconds.
    """

    seed: int
    database: str
    seconds: float = 180.0
    drain: float = 150.0
    silent_after: float = 15.0
    quick: bool = False


@dataclass(slots=True)
class World:
    """A run's servers, parts and state, shared by its threads.

    Attributes:
        active: names of the faults that are going on.
        last_fault: when the last one ended (monotonic).
        losses: from when to when (monotonic) an entry added to Redis may have been lost.
        producing: set while producers make new tickets.
        findings: what must not happen and did.
    """

    plan: Plan
    folder: Path
    settings: Settings
    redis: RedisServer
    server: SqliteFile | PostgresServer
    database: Database
    versions: list[str]
    relays: list[Part]
    workers: list[Part]
    redis_part: Part
    supervisor: Supervisor
    backlog_target: int
    active: list[str] = field(default_factory=list)
    last_fault: float = 0.0
    losses: list[tuple[float, float]] = field(default_factory=list)
    producing: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    findings: list[str] = field(default_factory=list)
    queued: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        """Say that a fault is going on."""
        with self.lock:
            self.active.append(name)
        try:
            yield
        finally:
            with self.lock:
                self.active.remove(name)
                self.last_fault = time.monotonic()

    def lose_redis_data(self, seconds: float | None = _AOF_LOSS_S) -> None:
        """Note that entries of the last ``seconds`` (None: all) may be gone from Redis."""
        now = time.monotonic()
        self.losses.append((0.0 if seconds is None else now - seconds, now + 1.0))

    def find(self, what: str) -> None:
        """Note what must not happen."""
        with self.lock:
            if what not in self.findings:
                self.findings.append(what)

    def log_tail(self, part: str, lines: int = 15) -> str:
        """Return the end of a part's log."""
        path = self.folder / f"{part}.log"
        text = path.read_text("utf-8", errors="replace") if path.exists() else "(no log)"
        return "\n".join(text.splitlines()[-lines:])


def _settings(plan: Plan, folder: Path, redis: RedisServer, database_url: str) -> Settings:
    """Times in the order that the settings want, as short as the faults allow."""
    times = {
        "task_loop": 4.0,
        "hard_limit": 12.0,
        "claim": 14.0,
        "visibility": 20.0,
        "relay_sweep": 1.0,
        "stop_grace": 25.0,
        "heartbeat": 1.0,
        "model_load": 40.0,
    }
    if plan.quick:
        times |= {"task_loop": 2.0, "hard_limit": 6.0, "claim": 7.0, "visibility": 8.0}
    return Settings(
        home=folder / "home",
        database_url=database_url,
        redis_url=redis.url,
        max_batch=16 if plan.quick else 48,
        message_ids=32 if plan.quick else 128,
        max_attempts=_MAX_ATTEMPTS,
        review_sample=0.1,
        **times,  # type: ignore[arg-type]
    )


@contextmanager
def made_world(plan: Plan, folder: Path) -> Iterator[World]:
    """Start everything; stop it hard at the end."""
    rng = random.Random(f"{plan.seed}:world")
    with (
        tempfile.TemporaryDirectory(prefix="paidan-") as short,
        running_database(plan.database, folder) as server,
    ):
        redis = RedisServer(folder / "redis", Path(short), tcp=rng.random() < 0.5)
        settings = _settings(plan, folder, redis, server.url)
        database = Database(settings.resolved_database_url)
        add_units(database)
        versions = [
            promote_constant(database, settings.resolved_models_dir, answers)
            for answers in _ANSWERS
        ]
        redis_part, relays, workers = _parts(plan, folder, settings, redis, rng)
        supervisor = Supervisor([redis_part, *relays, *workers], rng)
        world = World(
            plan=plan,
            folder=folder,
            settings=settings,
            redis=redis,
            server=server,
            database=database,
            versions=versions,
            relays=relays,
            workers=workers,
            redis_part=redis_part,
            supervisor=supervisor,
            backlog_target=150 if plan.quick else 1200,
        )
        world.producing.set()
        supervisor.start()
        try:
            wait_for_redis(redis)
            yield world
        finally:
            world.ended.set()
            _kill_all(supervisor)
            database.engine.dispose()


def _parts(
    plan: Plan, folder: Path, settings: Settings, redis: RedisServer, rng: random.Random
) -> tuple[Part, list[Part], list[Part]]:
    """Return the parts; a batch takes the workers from 0.2 to 2 s, long enough to be hit."""
    pace = rng.uniform(0.01, 0.03) if plan.quick else rng.uniform(0.01, 0.04)
    relays = [
        Part(name, relay(settings, folder / f"{name}.log"))
        for name in ("relay-1", "relay-2")[: rng.choice((1, 1, 2))]
    ]
    workers = []
    for name in ("worker-1", "worker-2"):
        own = settings.model_copy(update={"worker_name": name})
        process = worker(own, folder / f"{name}.log", "paced")
        process.environment["TEST_PACE_S"] = f"{pace:.3f}"
        workers.append(Part(name, process))
    return Part("redis", redis), relays, workers


def _kill_all(supervisor: Supervisor) -> None:
    supervisor.hold()
    supervisor.join(timeout=0.5)
    for part in supervisor.parts:
        popen = part.process.popen
        if popen is not None and popen.poll() is None:  # type: ignore[attr-defined]
            popen.kill()  # type: ignore[attr-defined]
            popen.wait()  # type: ignore[attr-defined]
    supervisor.end()
    supervisor.join(timeout=5)
