r"""How often `paidan quality` holds the true error of routed tickets in its interval.

    python -m bench.quality [--runs 1000] [--seed 1]

Each run is a stream of tickets whose truth is known. A model is sure of each of them and errs with
a known rate. ``db.results.store`` draws the blind sample, people decide what came before them, and
``db.quality.read_quality`` estimates the error. The true error is that of all tickets of the run.
A table, then one line of JSON.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select, update

from bench.promise import print_table
from bench.records import add_units
from db import Database, corrections, results, tickets
from db.models import ModelVersion, Ticket
from db.quality import Counts, read_quality
from db.results import Result
from db.schema import migrate
from db.tickets import NewTicket

UNITS = {"A": "甲局", "B": "乙局"}
VERSION = "synthetic"


@dataclass(frozen=True, slots=True)
class Stream:
    """A kind of stream.

    Attributes:
        error: how often the model is wrong.
        tickets: in each run.
        share: of the blind sample.
        decided: how much of the sample people decide.
    """

    error: float
    tickets: int
    share: float
    decided: float = 1.0


STREAMS = (
    Stream(0.0, 500, 0.05),
    Stream(0.003, 1_000, 0.05),
    Stream(0.02, 2_000, 0.05),
    Stream(0.05, 1_000, 0.05, decided=0.7),
    Stream(0.05, 300, 0.05),
    Stream(0.3, 300, 0.05),
)


@dataclass(frozen=True, slots=True)
class Run:
    """What was estimated in a run, and the truth."""

    counts: Counts
    truth: float

    @property
    def is_covered(self) -> bool:
        """Whether the interval holds the truth."""
        low, high = self.counts.error_interval
        return low <= self.truth <= high


def main() -> None:
    """Measure each stream."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        database = new_database(Path(folder) / "quality.db")
        for stream in STREAMS:
            runs = list(run_stream(database, stream, options.runs, options.seed))
            rows.append(asdict(stream) | summed_up(runs))
    print_table(
        "the interval of the error of routed tickets",
        [tuple(rows[0]), *(tuple(f"{value:.4g}" for value in row.values()) for row in rows)],
    )
    print(json.dumps({"runs": options.runs, "streams": rows}))


def new_database(file: Path) -> Database:
    """Return an empty record with two units and a model version."""
    database = Database(f"sqlite:///{file}")
    migrate(database)
    add_units(database, UNITS, actor="bench")
    with database.writing() as session:
        session.add(ModelVersion(name=VERSION, kind="constant", manifest_sha256="0" * 64))
    return database


def run_stream(database: Database, stream: Stream, runs: int, seed: int) -> Iterator[Run]:
    """Yield runs of a stream, each with tickets of its own."""
    rng = random.Random(seed)
    for number in range(runs):
        since = datetime.now(UTC)
        prefix = f"{stream.error}-{stream.tickets}-{stream.decided}-{number}"
        truths = _answer(database, stream, prefix, rng)
        _decide(database, stream, truths, rng)
        with database.reading() as session:
            found = read_quality(session, since, datetime.now(UTC), UTC).total
        assert found.routed + found.sampled == stream.tickets
        wrong = sum(truth != "A" for truth in truths.values())
        yield Run(found, wrong / stream.tickets)


def summed_up(runs: Sequence[Run]) -> dict[str, float]:
    """Return what all runs of a stream say together."""
    widths = [run.counts.error_interval for run in runs]
    return {
        "mean decided": sum(run.counts.decided for run in runs) / len(runs),
        "mean width": sum(high - low for low, high in widths) / len(runs),
        "covered": sum(run.is_covered for run in runs),
        "runs": len(runs),
    }


def _answer(database: Database, stream: Stream, prefix: str, rng: random.Random) -> dict[int, str]:
    """Let the model answer A to new tickets; return the true unit of each."""
    token = prefix
    with database.writing() as session:
        new = [NewTicket(f"{prefix}-{n}", "路灯坏了") for n in range(stream.tickets)]
        ids = tickets.insert(session, new).all_ids
        session.execute(update(Ticket).where(Ticket.id.in_(ids)).values(claim_token=token))
        answers = [Result(i, 0, "A", 0.9, [("A", 0.9)], None) for i in ids]
        results.store(session, token, answers, version=VERSION, review_sample=stream.share)
    return {i: "B" if rng.random() < stream.error else "A" for i in ids}


def _decide(database: Database, stream: Stream, truths: dict[int, str], rng: random.Random) -> None:
    """Let people decide what came before them."""
    with database.writing() as session:
        waiting = select(Ticket).where(Ticket.id.in_(truths), Ticket.status == "review")
        for ticket in session.scalars(waiting).all():
            if rng.random() < stream.decided:
                corrections.decide(session, ticket, truths[ticket.id], actor="person")


if __name__ == "__main__":
    main()
