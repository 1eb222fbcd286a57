"""The LLM at work: tickets through Redis, a Celery worker and PostgreSQL on this machine.

    python -m bench.worker --base DIRECTORY --adapter DIRECTORY --tickets FILE.jsonl \
        --units FILE.json [--count 20000] [--texts 1024]

Pushes ``count`` tickets (the first ``texts`` texts of the file, over and over) and waits until each
has its committed row; meanwhile some live ones come, each timed from before its submit to its
committed row as another connection sees it; then, with the worker idle, some more one by one.
``busy`` is the time between the CUDA events around each forward over the time from the first
submit to the last row; the rest is idle, inside the calls of ``classify_batches`` or between them.
A table, then one line of JSON. Needs the extras ``ml`` and ``dev``.
"""

import argparse
import functools
import itertools
import json
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from bench.inference import device_name, read_texts, read_units
from bench.pipeline import await_closed, await_log
from bench.records import add_units
from bench.servers import PostgresServer, running_postgres
from classifier.labels.template import PromptUnit
from classifier.manifest import Calibration, TrainingFacts
from classifier.model.bases.base import Base
from classifier.model.bases.entries import BASES, add_base
from core.publisher import Publisher
from core.settings import Settings
from db import Database, versions
from db.models import Classification, Event, Status, Ticket
from db.schema import migrate
from db.tickets import NewTicket
from paidan.embedded.stack import EmbeddedStack
from producer import Submitter
from registry.registration import register
from registry.writer import store_version
from training.adapter.preparation import recipe_for, setup_of
from training.adapter.version import write_files

_POLL_S = 0.001
_LOAD_S = 240.0
_STALLED_S = 60.0
_LIVE_S = 2.0
_ALONE = 100


@dataclass
class TimedTickets:
    """Live tickets, each timed until its row is committed.

    Args:
        submitter: takes them.
        database: where another connection sees the row.
    """

    submitter: Submitter
    database: Database
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def submit(self, texts: Sequence[str]) -> list[float]:
        """Submit texts one by one; return the milliseconds that each took."""
        return [self._time(text) for text in texts]

    def _time(self, text: str) -> float:
        name = f"live {next(self._numbers)}"
        new = NewTicket(external_id=name, text=text, source="bench", lane="live")
        began = time.perf_counter()
        [one] = self.submitter.submit([new]).ids
        query = select(Ticket.status).where(Ticket.id == one)
        while time.perf_counter() - began < _STALLED_S:
            with self.database.reading() as session:
                if session.scalar(query) != Status.QUEUED:
                    break
            time.sleep(_POLL_S)
        return (time.perf_counter() - began) * 1000


def main() -> None:
    """Run it."""
    options = _options()
    prompt_units = read_units(options.units)
    units = {unit.code: unit.name for unit in prompt_units}
    texts = read_texts(options.tickets, options.texts)
    with (
        tempfile.TemporaryDirectory(prefix="paidan-bench-") as folder,
        running_postgres(PostgresServer) as server,
    ):
        home, url = Path(folder), server.create()
        settings = Settings(home=home, database_url=url, redis_url=None)
        database = Database(url)
        migrate(database)
        add_units(database, units)
        models_dir = settings.resolved_models_dir
        base = add_base(str(options.base), models_dir / BASES, "bench")
        made = database, models_dir, base, options.adapter, prompt_units
        first, second = promoted_version(*made), _version(*made)
        logs = options.logs or home / "logs"
        with EmbeddedStack(settings, ["--cpu"] if options.cpu else [], logs):
            log = await_log(logs / "worker.log", "model loaded", _LOAD_S)
            submitter = Submitter(database, Publisher(settings), ())
            swap = functools.partial(_promote, database, second)
            figures = _measure(submitter, database, texts, options.count, swap)
        figures |= _told(log.read_text("utf-8"), figures["seconds"])
        figures["swap"] = _swap(database, first, second)
        database.engine.dispose()
    table = Table("", "", title=f"{options.count:,} tickets through the worker, {device_name()}")
    for name, value in figures.items():
        table.add_row(name, str(value))
    Console().print(table)
    print(json.dumps({"device": device_name(), "tickets": options.count} | figures))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--base", type=Path, required=True, help="a model's directory")
    parser.add_argument("--adapter", type=Path, required=True, help="as peft writes it")
    parser.add_argument("--tickets", type=Path, required=True, help=".jsonl")
    parser.add_argument("--units", type=Path, required=True, help="a JSON list of names")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--texts", type=int, default=1024, help="different texts")
    parser.add_argument("--cpu", action="store_true", help="use no GPU")
    parser.add_argument("--logs", type=Path, help="a folder for what relay and worker say")
    return parser.parse_args()


def promoted_version(
    database: Database,
    models_dir: Path,
    base: Base,
    adapter: Path,
    prompt_units: Sequence[PromptUnit],
) -> str:
    """Make a version of an adapter and promote it; return its name.

    Args:
        database: the record, with the units in it.
        models_dir: the folder of all versions.
        base: the adapter's.
        adapter: as peft writes it.
        prompt_units: all units.
    """
    name = _version(database, models_dir, base, adapter, prompt_units)
    _promote(database, name)
    return name


def _version(
    database: Database,
    models_dir: Path,
    base: Base,
    adapter: Path,
    prompt_units: Sequence[PromptUnit],
) -> str:
    units = {unit.code: unit.name for unit in prompt_units}
    setup = setup_of(base, prompt_units, recipe_for(base))
    calibration = Calibration(
        temperature=1.0, threshold=0.5, error_target=0.05, coverage=1.0, error=0.0, held_out=1
    )
    version = store_version(
        models_dir,
        "llm",
        sorted(units),
        units,
        calibration=calibration,
        metrics={},
        training=TrainingFacts(samples=1, seed=0, settings={}, data_sha256="0" * 64),
        write_files=lambda directory: write_files(directory, adapter, setup),
    )
    with database.writing() as session:
        register(session, version)
    return version.name


def _promote(database: Database, name: str) -> None:
    with database.writing() as session:
        versions.promote(session, name, actor="bench")


def _measure(
    submitter: Submitter,
    database: Database,
    texts: Sequence[str],
    count: int,
    swap: Callable[[], None],
) -> dict[str, Any]:
    bulk = [
        NewTicket(external_id=str(number), text=text, source="bench")
        for number, text in zip(range(count), itertools.cycle(texts), strict=False)
    ]
    timed = TimedTickets(submitter, database)
    timed.submit(texts[:5])  # compiles what small forwards need
    began = datetime.now(UTC)
    live = _push(timed, texts, bulk, swap)
    with database.reading() as session:
        last = session.scalars(select(func.max(Classification.classified_at))).one()
    seconds = (last - began).total_seconds()
    alone = timed.submit(texts[:_ALONE])
    return {
        "seconds": round(seconds, 2),
        "tickets_per_s": round(count / seconds, 1),
        "lost": count - _answered(database),
        "live_under_load_ms": quantiles(live),
        "live_alone_ms": quantiles(alone),
    }


def _push(
    timed: TimedTickets,
    texts: Sequence[str],
    bulk: Sequence[NewTicket],
    swap: Callable[[], None],
) -> list[float]:
    """Push tickets and wait for them, swap in the middle; return what live ones took meanwhile."""
    ended = threading.Event()

    def come() -> list[float]:
        live: list[float] = []
        for text in texts:
            if ended.wait(_LIVE_S):
                break
            live += timed.submit([text])
        return live

    def exchange() -> None:
        while _answered(timed.database) < len(bulk) // 2:
            if ended.wait(_LIVE_S / 10):
                return
        swap()

    with ThreadPoolExecutor() as pool:
        coming, exchanged = pool.submit(come), pool.submit(exchange)
        try:
            timed.submitter.submit(bulk)
            await_closed(timed.database, len(bulk))
        finally:
            ended.set()
        exchanged.result()
        return coming.result()


def _answered(database: Database) -> int:
    """Return how many of the tickets pushed in bulk have a row."""
    with database.reading() as session:
        answered = session.scalar(
            select(func.count(Classification.ticket_id.distinct()))
            .join(Ticket, Ticket.id == Classification.ticket_id)
            .where(Ticket.source == "bench", Ticket.lane == "bulk")
        )
    return answered or 0


def _swap(database: Database, first: str, second: str) -> dict[str, Any]:
    """Tell how the second version took over from the first.

    A row's time is that of its transaction: rows of one time are a batch.
    """
    with database.reading() as session:
        rows = session.execute(
            select(Classification.classified_at, Classification.model_version)
            .join(Ticket, Ticket.id == Classification.ticket_id)
            .where(Ticket.source == "bench", Ticket.lane == "bulk")
            .order_by(Classification.classified_at)
        ).all()
        promoted = select(func.max(Event.happened_at)).where(Event.kind == "model.promoted")
        promoted_at = session.scalars(promoted).one()
        failed = session.scalar(
            select(func.count())
            .select_from(Ticket)
            .where((Ticket.status == Status.DEAD) | (Ticket.attempts > 1))
        )
    versions = dict(rows)  # the times of batches, in their order
    gaps = [(after - before).total_seconds() * 1000 for before, after in pairwise(versions)]
    news = [at for at, version in rows if version == second]
    olds = [at for at, version in rows if version == first]
    return {
        "rows": [len(olds), len(news)],
        "dead_or_tried_again": failed,
        "old_after_new": sum(at > news[0] for at in olds),
        "from_promotion_ms": round((news[0] - promoted_at).total_seconds() * 1000, 1),
        "gap_ms": round((news[0] - max(olds)).total_seconds() * 1000, 1),
        "all_gaps_ms": quantiles(gaps) | {"max": round(max(gaps), 1)},
    }


def _told(log: str, seconds: float) -> dict[str, Any]:
    """Add up what the log tells of the calls that answered more than a few tickets."""
    calls = [
        {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", line)}
        for line in log.splitlines()
        if "batches ended" in line
    ]
    large = [call for call in calls if call["tickets"] > 8]
    total = {name: sum(call[name] for call in large) for name in large[0]}
    return {
        "busy": round(total["busy"] / seconds, 4),
        "calls": len(large),
        "idle_s": {
            "in_calls": round(total["seconds"] - total["busy"], 2),
            "between": round(seconds - total["seconds"], 2),
        },
        "tokens_per_ticket": round(total["tokens"] / total["tickets"], 1),
        "label_nodes_per_ticket": round(total["label_nodes"] / total["tickets"], 2),
        "forwards": int(total["forwards"]),
    }


def quantiles(took: list[float]) -> dict[str, float]:
    """Return quantiles of some milliseconds, and their count."""
    if not took:
        return {}
    took = sorted(took)
    return {
        "p50": round(statistics.median(took), 1),
        "p95": round(took[len(took) * 95 // 100], 1),
        "p99": round(took[len(took) * 99 // 100], 1),
        "count": len(took),
    }


if __name__ == "__main__":
    main()
