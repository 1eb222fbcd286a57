"""What a long backlog costs: every step of a ticket's way with few and with many rows waiting.

On SQLite and on PostgreSQL (both of this machine), each in its own database of each size, filled in
SQL and with no statistics but those the server gathers by itself (``--analyze`` has them
gathered). The sizes take turns, so that what else the machine does hits both alike; the medians of
``--repeat`` turns are printed. The model is the constant one.

    python -m bench.backlog --rows 1000000
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from bench.records import TEXT, add_backlog, add_units, promote_constant
from bench.servers import PostgresServer, running_postgres, running_redis
from core.broker import LANES, queue_name
from core.publisher import Publisher
from core.settings import Settings
from db import Database, claims, report
from db.batch import Budget
from db.claims import Claim
from db.models import SOLO, Ticket
from db.schema import migrate
from db.tickets import NewTicket
from producer import Submitter
from producer.relay import Relay
from worker.loop import ClaimLoop
from worker.resident import Resident

_BATCH = 256
_BUDGET = Budget(tokens=1_000_000, tickets=_BATCH)
# Published by a sweep at both sizes: 64 messages of as many ids.
_MESSAGE_IDS = 64
# Submitted, and classified, in a turn: the backlog stays as long as it is.
_TURN = 16 * _BATCH
_SOLO_TICKETS = 100
# Steps of a few milliseconds are measured so often in a turn.
_SHORT_STEPS = 3
_HELD_TO = 2.0
_UNITS = {"A": "甲局", "B": "乙局", "C": "丙局"}

Ticks = dict[str, list[float]]


@dataclass(slots=True)
class Backlog:
    """A database with so many rows waiting, and what works on it."""

    rows: int
    database: Database
    settings: Settings
    seconds: Ticks = field(default_factory=dict)
    turns: int = 0

    def measure(self, name: str, step: Callable[[], Any]) -> Any:
        """Run a step and keep its seconds."""
        began = time.perf_counter()
        outcome = step()
        self.seconds.setdefault(name, []).append(time.perf_counter() - began)
        return outcome

    def median(self, name: str) -> float:
        """The median seconds of a step, the first turn left out: it fills caches."""
        taken = self.seconds[name]
        return statistics.median(taken[len(taken) // self.turns :])


def main() -> None:
    """Run both databases and print a table of each and the JSON line."""
    options = _options()
    console = Console(stderr=options.json)
    outcome: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="paidan-bench-") as folder:
        home = Path(folder)
        with running_redis(home / "redis") as redis, running_postgres(PostgresServer) as server:
            for kind in ("sqlite", "postgresql"):
                with _backlogs(kind, home / kind, redis, server, options) as backlogs:
                    for turn in range(1 + options.repeat):
                        for backlog in backlogs:
                            _turn(backlog, turn)
                    console.print(_table(kind, backlogs))
                    outcome[kind] = _figures(backlogs)
    shown = {"rows": options.rows, "few": options.few, "repeat": options.repeat}
    print(json.dumps(shown | {"cores": os.cpu_count()} | outcome))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000, help="waiting in the long backlog")
    parser.add_argument("--few", type=int, default=10_000, help="waiting in the short one")
    parser.add_argument("--repeat", type=int, default=9, help="turns; the medians are reported")
    parser.add_argument("--analyze", action="store_true", help="gather statistics after the load")
    parser.add_argument("--json", action="store_true", help="print the JSON line alone")
    return parser.parse_args()


@contextmanager
def _backlogs(
    kind: str, folder: Path, redis: str, server: PostgresServer, options: argparse.Namespace
) -> Iterator[list[Backlog]]:
    """Provide the short and the long backlog of a database."""
    backlogs = []
    for rows in (options.few, options.rows):
        home = folder / str(rows)
        home.mkdir(parents=True)
        url = f"sqlite:///{home / 'paidan.db'}" if kind == "sqlite" else server.create()
        database = Database(url)
        migrate(database)
        add_units(database, _UNITS)
        settings = Settings(
            home=home, database_url=url, redis_url=redis, message_ids=_MESSAGE_IDS, task_loop=29
        )
        promote_constant(database, settings.resolved_models_dir, _UNITS, ("A", "A", "B"))
        add_backlog(database, rows)
        if options.analyze:
            with database.engine.begin() as connection:
                connection.execute(text("ANALYZE"))
        backlogs.append(Backlog(rows, database, settings))
    yield backlogs
    for backlog in backlogs:
        backlog.database.engine.dispose()


def _turn(backlog: Backlog, turn: int) -> None:
    """Measure each step once; the backlog is afterwards what it was."""
    database, measure = backlog.database, backlog.measure
    backlog.turns += 1
    with database.reading() as session:
        newest = session.scalar(select(func.max(Ticket.id))) or 0
    own = range(newest - _BATCH, newest)
    for _ in range(_SHORT_STEPS):
        _measure_claims(backlog, own)
        _measure_solo(backlog, own)
    _measure_sweeps(backlog)
    with database.reading() as session:
        measure("status", partial(report.overview, session))
    publisher = Publisher(backlog.settings)
    submitter = Submitter(database, publisher, ())
    new = [
        NewTicket(external_id=f"{turn} {number}", text=TEXT, source="turn")
        for number in range(_TURN)
    ]
    ids = measure("submit", partial(submitter.submit, new)).ids
    _run_dry(publisher)
    resident = Resident(database, backlog.settings.resolved_models_dir)
    resident.refresh()
    loop = ClaimLoop(database, resident, backlog.settings, _publish_nothing, "bench")
    loop.stopping = lambda: loop.tally.classified >= _TURN
    done = measure("batches", partial(loop.run, ids[:_BATCH], "bulk"))
    backlog.seconds["batches"][-1] *= _TURN / done  # the time of a message may be up before
    publisher.close()


def _publish_nothing(_ids: dict[str, list[int]]) -> None:
    """The loop's rest: the relay's business, which is measured by itself."""


def _claim(database: Database, own: range, seconds: float = 60) -> Claim:
    with database.writing() as session:
        token = claims.new_token()
        return claims.claim(
            session,
            token=token,
            worker="w",
            own_ids=own,
            lane="bulk",
            budget=_BUDGET,
            seconds=seconds,
        )


def _write(database: Database, step: Callable[[Session], Any]) -> Any:
    with database.writing() as session:
        return step(session)


def _measure_claims(backlog: Backlog, own: range) -> None:
    """A batch's claim, its end without an answer, and what a message asks first."""
    database, measure = backlog.database, backlog.measure
    with database.reading() as session:
        measure("still_queued", partial(claims.still_queued, session, own))
    claim = measure("claim", partial(_claim, database, own))
    hand_back = partial(_write, database, lambda session: claims.hand_back(session, claim.token))
    measure("hand_back", hand_back)
    _claim(database, own, seconds=-1)
    free = partial(claims.free_expired, max_attempts=3)
    freed, _ = measure("free_expired", partial(_write, database, free))
    if freed != _BATCH:
        raise RuntimeError(f"{freed} claims were freed instead of {_BATCH}")
    _run_together(database)


def _run_together(database: Database) -> None:
    """No ticket runs alone any more, or has an attempt behind it."""
    with database.writing() as session:
        session.execute(update(Ticket).where(SOLO).values(solo=False, attempts=0))


def _measure_solo(backlog: Backlog, own: range) -> None:
    """The claim of a ticket that runs alone, where none does and where many do."""
    database, measure = backlog.database, backlog.measure

    def claim(session: Session) -> Claim:
        return claims.claim_solo(session, token=claims.new_token(), worker="w", seconds=60)

    with database.reading() as session:
        measure("has_solo", partial(claims.has_solo, session))
    measure("claim_solo, none waits", partial(_write, database, claim))
    with database.writing() as session:
        alone = update(Ticket).where(Ticket.id.in_(own[:_SOLO_TICKETS]))
        session.execute(alone.values(solo=True))
    solo: Claim = measure("claim_solo", partial(_write, database, claim))
    with database.writing() as session:
        claims.hand_back(session, solo.token)
    _run_together(database)


def _measure_sweeps(backlog: Backlog) -> None:
    """A sweep that publishes into a dry lane, and one that finds it full."""
    publisher = Publisher(backlog.settings)
    relay = Relay(backlog.database, publisher, backlog.settings)
    published = backlog.measure("sweep", relay.sweep)
    backlog.measure("sweep, lane full", relay.sweep)
    _run_dry(publisher)
    if published["bulk"] != _TURN:
        raise RuntimeError(f"a sweep published {published} instead of {_TURN}")
    publisher.close()


def _run_dry(publisher: Publisher) -> None:
    for lane in LANES:
        publisher.redis.delete(queue_name(lane))


def _table(kind: str, backlogs: list[Backlog]) -> Table:
    few, many = backlogs
    table = Table(title=f"{kind}, {os.cpu_count()} cores, {platform.machine()}: medians in ms")
    for heading in ("step", f"{few.rows:,} waiting", f"{many.rows:,} waiting", "ratio"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for name in few.seconds:
        short, long = few.median(name), many.median(name)
        ratio = long / short
        mark = "" if ratio <= _HELD_TO else " !"
        shown = f"{name} ({_TURN:,} tickets)" if name in _RATES else name
        table.add_row(shown, f"{1000 * short:,.1f}", f"{1000 * long:,.1f}", f"{ratio:.2f}{mark}")
    for name in _RATES:
        rates = [_TURN / backlog.median(name) for backlog in backlogs]
        table.add_row(f"{name}, tickets/s", *(f"{rate:,.0f}" for rate in rates), "")
    return table


_RATES = ("submit", "batches")


def _figures(backlogs: list[Backlog]) -> dict[str, Any]:
    few, many = backlogs
    figures: dict[str, Any] = {
        name: {
            "few_ms": round(1000 * few.median(name), 2),
            "many_ms": round(1000 * many.median(name), 2),
            "ratio": round(many.median(name) / few.median(name), 2),
        }
        for name in few.seconds
    }
    for name in _RATES:
        rates = [round(_TURN / backlog.median(name), 1) for backlog in backlogs]
        figures[f"{name}_per_s"] = rates
    return figures


if __name__ == "__main__":
    main()
