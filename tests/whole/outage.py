"""Takes Redis away from a busy worker in every way, and times how soon it goes on.

    python -m tests.whole.outage --database sqlite --model linear --redis unix
    python -m tests.whole.outage --database postgresql --model llm --redis tcp --without-mend

Redis is killed, restarted and frozen in turn, and at the end is away for long. Each time tickets
wait when it comes back. ``--without-mend`` takes kombu's own transport, which falls silent: then
the watchdog alone ends the silence. It prints a table and ends with one JSON line; it exits with
1 where the worker took longer than the bound.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from sqlalchemy import func, select

from core.publisher import Publisher
from core.settings import Settings
from db import Database, tickets, versions
from db.models import Classification, Status, Ticket
from db.schema import migrate
from registry.registration import register
from tests.support.llm import themed_samples, train_test_llm
from tests.support.make import UNITS, add_units, new_ticket
from tests.support.processes import Process, relay, worker
from tests.support.redis_process import RedisProcess
from tests.support.services import running_postgres
from training.linear.version import train_linear

_BOUND_S = 15.0
# Tasks so short that one ends in every outage.
_TASK_LOOP_S = 2.0
_RESTART_S = 4.0
# Work between two outages, and how many seconds of work must wait before one.
_BETWEEN_S = 6.0
_RESERVE_S = 8.0
_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Outage:
    """One outage.

    Attributes:
        kind: how Redis went away.
        away_s: for how long.
        rested: whether the worker had come to rest before Redis was back.
        waiting: tickets that waited when it was back.
        went_on_s: seconds until the next ticket was answered; None where none was.
    """

    kind: str
    away_s: float
    rested: bool
    waiting: int
    went_on_s: float | None


class Run:
    """A worker, a relay and what they work on."""

    def __init__(self, database: Database, settings: Settings, worker: Process) -> None:
        self.database = database
        self.settings = settings
        self.worker = worker
        self.restarts = 0
        self.number = 0
        self.rate = 100.0

    def answered(self) -> int:
        """Return how many answers there are."""
        with self.database.reading() as session:
            return session.scalar(select(func.count()).select_from(Classification)) or 0

    def waiting(self) -> int:
        """Return how many tickets wait."""
        with self.database.reading() as session:
            query = select(func.count()).select_from(Ticket).where(Ticket.status == Status.QUEUED)
            return session.scalar(query) or 0

    def supervise(self) -> None:
        """Start the worker again if it ended."""
        assert self.worker.popen is not None
        if self.worker.popen.poll() is not None:
            self.restarts += 1
            self.worker.start()

    def add(self, count: int) -> None:
        """Add tickets; they are published if Redis is there."""
        new = [new_ticket(self.number + n, text=f"路灯坏了 {n}") for n in range(count)]
        self.number += count
        with self.database.writing() as session:
            inserted = tickets.insert(session, new)
        Publisher(self.settings).publish(inserted.ids)

    def work(self, seconds: float) -> None:
        """Let the worker work, and see how fast it is; enough waits at the end."""
        until = time.monotonic() + seconds
        before, began = self.answered(), time.monotonic()
        while time.monotonic() < until or self.answered() == before:
            self.supervise()
            self._fill()
            time.sleep(0.2)
        self.rate = max(self.rate, (self.answered() - before) / (time.monotonic() - began))
        self._fill()

    def _fill(self) -> None:
        while self.waiting() < max(_CHUNK, self.rate * _RESERVE_S):
            self.add(_CHUNK)

    def until(self, condition: Callable[[], bool], within: float) -> float | None:
        """Wait for a condition; return the seconds it took, None where it did not come."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > within:
                return None
            self.supervise()
            time.sleep(0.05)
        return time.monotonic() - began


def endure(
    run: Run, kind: str, away: float, leave: Callable[[], None], come: Callable[[], None]
) -> Outage:
    """Take Redis away, bring it back, and time what follows."""
    leave()
    time.sleep(away - 1)
    before = run.answered()
    time.sleep(1)
    rested = run.answered() == before
    waiting = run.waiting()
    come()
    answered = run.answered()
    went_on = run.until(lambda: run.answered() > answered, 120)
    outage = Outage(kind, away, rested, waiting, None if went_on is None else round(went_on, 2))
    click.echo(
        f"{kind:8} {away:6.0f} s  {'at rest' if rested else 'at work':8}{waiting:>9,} wait   "
        f"goes on after {'-' if went_on is None else format(went_on, '.2f')} s"
    )
    return outage


@contextmanager
def _database(system: str, folder: Path) -> Iterator[str]:
    if system == "sqlite":
        url = f"sqlite:///{folder / 'test.db'}"
        database = Database(url)
        migrate(database)
        database.engine.dispose()
        yield url
        return
    with running_postgres() as server:
        yield server.create()


def _train(database: Database, settings: Settings, model: str) -> None:
    add_units(database)
    folder = settings.resolved_models_dir
    if model == "llm":
        version = train_test_llm(folder)
    else:
        version = train_linear(themed_samples(), UNITS, models_dir=folder, error_target=1.0)
    with database.writing() as session:
        register(session, version)
        versions.promote(session, version.name, actor="outage")


@click.command()
@click.option("--database", "system", type=click.Choice(["sqlite", "postgresql"]), required=True)
@click.option("--model", type=click.Choice(["linear", "llm"]), default="linear", show_default=True)
@click.option("--redis", "way", type=click.Choice(["tcp", "unix"]), default="tcp")
@click.option("--without-mend", is_flag=True, help="With kombu's transport: the watchdog alone.")
@click.option("--times", default=3, show_default=True, help="Outages of each kind.")
@click.option("--away", default=20.0, show_default=True, help="Seconds of a kill or a freeze.")
@click.option("--long", "long_", default=300.0, show_default=True, help="Seconds of the last one.")
@click.option("--stall", default=30.0, show_default=True, help="PAIDAN_STALL.")
def main(
    *,
    system: str,
    model: str,
    way: str,
    without_mend: bool,
    times: int,
    away: float,
    long_: float,
    stall: float,
) -> None:
    """Run the outages."""
    bound = _BOUND_S + (stall if without_mend else 0)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="paidan-outage-")))
        redis = stack.enter_context(RedisProcess(tcp=way == "tcp"))
        url = stack.enter_context(_database(system, folder))
        settings = Settings(
            home=folder / "home",
            database_url=url,
            redis_url=redis.url,
            task_loop=_TASK_LOOP_S,
            message_ids=64,
            max_batch=64,
            stall=stall,
        )
        database = Database(url)
        _train(database, settings, model)
        transport = {"TEST_TRANSPORT": "kombu"} if without_mend else {}
        log = folder / "worker.log"
        stack.enter_context(relay(settings, folder / "relay.log"))
        process = stack.enter_context(worker(settings, log, "plain", **transport))
        run = Run(database, settings, process)
        run.work(_BETWEEN_S)
        outages: list[Outage] = []
        for kind, seconds, leave, come in (
            *_kinds(redis, away) * times,
            ("long", long_, redis.kill, redis.start),
        ):
            run.work(_BETWEEN_S)
            outages.append(endure(run, kind, seconds, leave, come))
        text = log.read_text()
    slow = [each for each in outages if each.went_on_s is None or each.went_on_s > bound]
    none_waited = [each for each in outages if not each.waiting]
    click.echo(
        json.dumps(
            {
                "database": system,
                "model": model,
                "redis": way,
                "mend": not without_mend,
                "stall_s": stall,
                "bound_s": bound,
                "slowest_s": max((each.went_on_s or 120.0) for each in outages),
                "too_slow": len(slow),
                "at_rest": sum(each.rested for each in outages),
                "watchdog_reconnects": text.count("connects anew"),
                "worker_ended": run.restarts,
                "outages": [asdict(each) for each in outages],
            }
        )
    )
    sys.exit(1 if slow or none_waited else 0)


Kind = tuple[str, float, Callable[[], None], Callable[[], None]]


def _kinds(redis: RedisProcess, away: float) -> list[Kind]:
    return [
        ("killed", away, redis.kill, redis.start),
        ("restart", _RESTART_S, redis.stop, redis.start),
        ("frozen", away, redis.freeze, redis.thaw),
    ]


if __name__ == "__main__":
    main()
