"""How fast tickets go from submit to committed rows, beside a bare Celery task per ticket.

Real PostgreSQL, Valkey, relay and worker processes on this machine; the model is the constant one,
so what is measured is the way, not the model. The bare run in the same process set-up sends one
Celery task a ticket that inserts the ticket and its classification in one transaction each: what
one would write first.

    python -m bench.pipeline --tickets 100000
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from bench.bare_celery import app_for
from bench.records import add_units, promote_constant
from bench.servers import PostgresServer, running_postgres, running_redis
from core.publisher import Publisher
from core.settings import Settings
from db import Database
from db.models import CLAIMABLE, CLAIMED, Classification, Ticket
from db.schema import migrate
from db.tickets import NewTicket
from paidan.embedded.stack import EmbeddedStack
from paidan.sample.generator import generate, load_units
from producer import Submitter

_POLL_S = 0.1
_STALLED_S = 120.0
_LOAD_S = 60.0


def main() -> None:
    """Run both ways and print the table and the JSON line."""
    options = _options()
    console = Console(stderr=options.json)
    with (
        tempfile.TemporaryDirectory(prefix="paidan-bench-") as folder,
        running_postgres(PostgresServer) as server,
    ):
        runs = [
            _run_pipeline(server.create(), Path(folder) / f"run{n}", options.tickets)
            for n in range(options.repeat)
        ]
        bare = _run_bare(server.create(), Path(folder) / "bare", options.bare_tickets)
    median = sorted(runs, key=lambda run: run["tickets_per_s"])[len(runs) // 2]
    console.print(_table(options, runs, bare))
    print(
        json.dumps(
            {
                "tickets": options.tickets,
                "tickets_per_s": round(median["tickets_per_s"], 1),
                "submit_per_s": round(median["submit_per_s"], 1),
                "bare_celery_per_s": round(bare, 1),
                "lost": int(sum(run["lost"] for run in runs)),
                "runs": [round(run["tickets_per_s"], 1) for run in runs],
                "spread": round(statistics.pstdev(run["tickets_per_s"] for run in runs), 1),
                "cores": os.cpu_count(),
            }
        )
    )


def _table(options: argparse.Namespace, runs: list[dict[str, float]], bare: float) -> Table:
    table = Table(
        title=f"{options.tickets:,} tickets, {os.cpu_count()} cores, {platform.machine()}"
    )
    for heading in ("way", "tickets", "submit/s", "tickets/s", "lost"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for number, run in enumerate(runs, 1):
        table.add_row(
            f"Paidan, run {number}",
            f"{options.tickets:,}",
            f"{run['submit_per_s']:,.0f}",
            f"{run['tickets_per_s']:,.0f}",
            f"{run['lost']:,}",
        )
    table.add_row(
        "a bare Celery task a ticket", f"{options.bare_tickets:,}", "", f"{bare:,.0f}", ""
    )
    return table


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--bare-tickets", type=int, default=5_000)
    parser.add_argument("--repeat", type=int, default=1, help="runs; the median one is reported")
    parser.add_argument("--json", action="store_true", help="print the JSON line alone")
    return parser.parse_args()


@contextmanager
def _record(url: str, folder: Path) -> Iterator[tuple[Settings, Database]]:
    """Provide settings and a database with units and a promoted constant model."""
    folder.mkdir(parents=True)
    settings = Settings(home=folder, database_url=url, redis_url=None)
    database = Database(url)
    migrate(database)
    units = {unit.code: unit.name for unit in load_units()}
    add_units(database, units)
    first, second = list(units)[:2]
    promote_constant(database, settings.resolved_models_dir, units, (first, first, second))
    yield settings, database
    database.engine.dispose()


def _run_pipeline(url: str, folder: Path, count: int) -> dict[str, float]:
    """Submit and classify; the clock runs from the first submit to the last committed row."""
    with _record(url, folder) as (settings, database):
        new = [
            NewTicket(external_id=t.external_id, title=t.title, text=t.text, source="synthetic")
            for t in generate(count)
        ]
        logs = folder / "logs"
        with EmbeddedStack(settings, logs=logs):
            await_log(logs / "worker.log", "model loaded", _LOAD_S)
            submitter = Submitter(database, Publisher(settings), ())
            began = time.monotonic()
            ids = submitter.submit(new).ids
            submitted = time.monotonic()
            await_closed(database, count)
            ended = time.monotonic()
        with database.reading() as session:
            answered = session.scalar(
                select(func.count(Classification.ticket_id.distinct())).select_from(Classification)
            )
        return {
            "submit_per_s": count / (submitted - began),
            "tickets_per_s": count / (ended - began),
            "lost": len(ids) - (answered or 0),
        }


def await_log(log: Path, text: str, seconds: float) -> Path:
    """Wait until a process' log has a text, which says that it is at work; return the log.

    Raises:
        TimeoutError: it does not come in time.
    """
    until = time.monotonic() + seconds
    while not (log.exists() and text in log.read_text("utf-8")):
        if time.monotonic() > until:
            raise TimeoutError(f"{log} has no {text!r} after {seconds:g} s")
        time.sleep(_POLL_S)
    return log


def await_closed(database: Database, count: int) -> None:
    """Wait until no ticket is queued; fail if nothing moves."""
    last, moved = -1, time.monotonic()
    while True:
        with database.reading() as session:
            count_of = select(func.count()).select_from(Ticket)
            queued = sum(session.scalar(count_of.where(of)) or 0 for of in (CLAIMABLE, CLAIMED))
        if queued == 0:
            return
        if queued != last:
            last, moved = queued, time.monotonic()
        elif time.monotonic() - moved > _STALLED_S:
            raise TimeoutError(f"{queued} of {count} tickets do not move")
        time.sleep(_POLL_S)


def _run_bare(url: str, folder: Path, count: int) -> float:
    """Send one Celery task a ticket; return tickets a second from first send to last commit."""
    with (
        _record(url, folder) as (with_home, database),
        running_redis(folder / "redis") as redis_url,
    ):
        settings = with_home.model_copy(update={"redis_url": redis_url})
        app = app_for(settings)
        with _bare_worker(settings, folder / "worker.log") as log:
            await_log(log, "ready", _LOAD_S)
            tickets = list(generate(count))
            began = time.monotonic()
            for ticket in tickets:
                app.send_task(
                    "bench.insert_ticket",
                    args=[ticket.external_id, ticket.title, ticket.text],
                    queue="bench",
                )
            while True:
                with database.reading() as session:
                    done = session.scalar(select(func.count()).select_from(Classification)) or 0
                if done >= count:
                    return count / (time.monotonic() - began)
                time.sleep(_POLL_S)


@contextmanager
def _bare_worker(settings: Settings, log: Path) -> Iterator[Path]:
    """Run the worker of the bare way for the block; yield its log."""
    command = [sys.executable, "-m", "bench.bare_celery"]
    environment = os.environ | settings.as_environment()
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(settings.stop_grace)


if __name__ == "__main__":
    main()
