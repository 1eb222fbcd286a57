"""One run: a world, those who work with it, its faults, the wait until all is done, the verdict."""

import random
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from core.errors import PaidanError
from db import workers
from tests.whole.chaos.checker import Verdict, check, redis_rest
from tests.whole.chaos.faults import KINDS
from tests.whole.chaos.person import Person
from tests.whole.chaos.producers import STREAMED, SUBMITTED, Streaming, Submitting
from tests.whole.chaos.schedule import Fault, make_schedule
from tests.whole.chaos.strike import strike
from tests.whole.chaos.watch import Watch
from tests.whole.chaos.world import Plan, World, made_world

_LOOK_EVERY_S = 0.3
_START_S = 60.0


@dataclass(slots=True)
class Report:
    """A run's figures; ``problems`` is empty where all promises were kept.

    Attributes:
        exits: parts that ended by themselves, such as one that starts while the database is away.
        drained: seconds from the last fault until all was done; None if it was not in time.
        rest_until: until when (seconds) what was still not done.
    """

    seed: int
    database: str
    transport: str = ""
    seconds: float = 0.0
    faults: int = 0
    tickets: int = 0
    answers: int = 0
    corrected: int = 0
    returned: int = 0
    promotions: int = 0
    exports: int = 0
    sent_again: int = 0
    restarts: int = 0
    exits: list[str] = field(default_factory=list)
    lost: int = 0
    double: int = 0
    dead: int = 0
    silent: int = 0
    longest_idle: float = 0.0
    drained: float | None = None
    rest_until: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    schedule: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return the figures for a program."""
        return asdict(self) | {"clean": self.is_clean}


def endure(plan: Plan, folder: Path, say: Callable[[str], object] = lambda line: None) -> Report:
    """Carry out a plan with its files in ``folder``, which stays behind if something was found."""
    folder.mkdir(parents=True, exist_ok=True)
    report = Report(plan.seed, plan.database)
    with made_world(plan, folder) as world:
        report.transport = world.redis.url.partition(":")[0]
        work = _Work(world)
        work.start()
        _wait_for_workers(world)
        began = time.monotonic()
        report.schedule = _strike_all(world, say)
        report.seconds = round(time.monotonic() - began, 1)
        report.faults = len(report.schedule)
        report.drained = _drain(world, work, report.rest_until, say)
        _judge(report, world, work)
        _stop_cleanly(world)
        report.problems += world.findings
        if world.supervisor.failed is not None:
            report.problems.append(f"the supervisor failed: {world.supervisor.failed!r}")
    if report.is_clean:
        shutil.rmtree(folder, ignore_errors=True)
    return report


class _Work:
    """The threads that work with the world while faults go on."""

    def __init__(self, world: World) -> None:
        self.submitting = Submitting(world)
        self.streaming = Streaming(world)
        self.person = Person(world)
        self.watch = Watch(world)
        self.threads = (self.submitting, self.streaming, self.person, self.watch)

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    @property
    def expected(self) -> set[tuple[str, str]]:
        """The keys of all tickets that were handed in."""
        return {(SUBMITTED, i) for i in self.submitting.ids} | {
            (STREAMED, i) for i in self.streaming.ids
        }

    @property
    def all_is_in(self) -> bool:
        """Whether the producers have nothing left to hand in."""
        return (
            not self.submitting.is_alive() and not self.person.is_alive() and self.streaming.is_done
        )


def _wait_for_workers(world: World) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        with world.database.reading() as session:
            if len(workers.list_workers(session)) == len(world.workers):
                return
        time.sleep(_LOOK_EVERY_S)
    tails = "\n".join(world.log_tail(part.name) for part in world.workers)
    raise TimeoutError(f"the workers did not start in {_START_S:g} s:\n{tails}")


def _strike_all(world: World, say: Callable[[str], object]) -> list[str]:
    """Let the faults of the schedule happen, each in its thread; return what happened."""
    plan = world.plan
    schedule = make_schedule(plan.seed, plan.database, plan.seconds, quick=plan.quick)
    began = time.monotonic()
    told: list[str] = []
    threads = []
    for fault in schedule:
        if world.ended.wait(max(0.0, began + fault.at - time.monotonic())):
            break
        thread = threading.Thread(
            target=_strike_one, args=(world, fault, told), name=fault.kind, daemon=True
        )
        thread.start()
        threads.append(thread)
        say(str(fault))
    world.ended.wait(max(0.0, began + plan.seconds - time.monotonic()))
    for thread in threads:
        thread.join()
    return told


def _strike_one(world: World, fault: Fault, told: list[str]) -> None:
    rng = random.Random(f"{world.plan.seed}:{fault.number}")
    try:
        failed = strike(world, KINDS[fault.kind], rng, fault.lasts)
    except Exception as error:  # a mistake of the fault's: the run must say so
        world.find(f"fault {fault} could not be made: {error!r}")
        return
    told.append(f"{fault}" + (f" (not done: {failed})" if failed else ""))


def _drain(
    world: World, work: _Work, rest_until: dict[str, float], say: Callable[[str], object]
) -> float | None:
    """Stop producing and wait until all is done; return the seconds, None for not in time."""
    world.producing.clear()
    began = time.monotonic()
    say("faults have ended; waiting until everything is done")
    while time.monotonic() < began + world.plan.drain:
        if work.watch.silent:
            return None  # for good
        rest = _rest(world, work)
        passed = round(time.monotonic() - began, 1)
        if not rest:
            return passed
        rest_until.update(dict.fromkeys(rest, passed))
        time.sleep(_LOOK_EVERY_S)
    world.find(f"not done {world.plan.drain:.0f} s after the last fault: {_state(world, work)}")
    return None


def _rest(world: World, work: _Work) -> list[str]:
    """Return what is not done yet."""
    sample = work.watch.last
    if sample is None:
        return ["a server is away"]
    try:
        rest = [name for name, count in redis_rest(world).items() if count]
    except (RedisError, OSError):
        return ["Redis is away"]
    if not work.all_is_in:
        rest.append("producers")
    if sample.queued:
        rest.append("tickets")
    return rest


def _state(world: World, work: _Work) -> str:
    rest = redis_rest(world)
    waiting = [thread.name for thread in work.threads if thread.is_alive()]
    tails = "\n".join(
        f"--- {part.name}\n{world.log_tail(part.name)}" for part in (*world.relays, *world.workers)
    )
    return f"{work.watch.last}, Redis {rest}, threads {waiting}\n{tails}"


def _judge(report: Report, world: World, work: _Work) -> None:
    try:
        verdict = check(world, work.expected, work.person.decided)
    except (PaidanError, RedisError, OSError) as error:
        verdict = Verdict(wrong=[f"the record cannot be asked: {error}"])
    parts = [*world.relays, *world.workers]
    report.tickets, report.answers = verdict.tickets, verdict.answers
    report.lost, report.double = len(verdict.lost), len(verdict.double)
    report.dead = len(verdict.dead)
    report.corrected = sum(len(mine.decisions) for mine in work.person.decided.values())
    report.returned = sum(len(mine.returned) for mine in work.person.decided.values())
    report.promotions, report.exports = work.person.promotions, work.person.exports
    report.sent_again = work.streaming.sent_again
    report.restarts = sum(part.starts - 1 for part in parts)
    report.exits = [f"{gone.part} with {gone.code}" for gone in world.supervisor.exits]
    report.silent = len(work.watch.silent)
    report.longest_idle = round(work.watch.longest, 1)
    report.problems += verdict.faults


def _stop_cleanly(world: World) -> None:
    """Tell relays and workers to stop: they must, in time."""
    world.supervisor.hold()
    parts = [*world.relays, *world.workers]
    for part in parts:
        if part.is_running:
            part.process.popen.terminate()  # type: ignore[union-attr]
    deadline = time.monotonic() + world.settings.stop_grace
    for part in parts:
        while part.is_running and time.monotonic() < deadline:
            time.sleep(0.05)
        if part.is_running:
            world.find(f"{part.name} did not stop in {world.settings.stop_grace:g} s")
