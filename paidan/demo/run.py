"""The demo from an empty folder to its summary."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import click

from core.settings import Settings
from paidan.demo.home import Demo, empty_home, prepare, say
from paidan.demo.learning import learn_and_swap, score_before, train_and_promote
from paidan.demo.outcome import Outcome, read_outcome
from paidan.demo.pushing import FURTHER_SOURCE, SOURCE, push
from paidan.demo.table import print_table
from paidan.embedded.stack import EmbeddedStack
from paidan.sample.generator import SampleTicket, generate

_TRAINING_TICKETS = 3000


@dataclass(frozen=True, slots=True)
class _Pushed:
    """How many tickets were pushed, in how many seconds they were answered, and how."""

    count: int
    seconds: float
    outcome: Outcome


def run_demo(home: Path, count: int, training_tickets: int = _TRAINING_TICKETS) -> None:
    """Train, push ``count`` unseen tickets, correct, train again, swap; the last line is JSON.

    Args:
        home: the state's folder; an earlier demo's is replaced.
        count: tickets to push.
        training_tickets: labelled tickets of the first training.
    """
    began = time.monotonic()
    empty_home(home)
    settings = Settings(home=home, database_url=None, redis_url=None, models_dir=None)
    say(f"starting Redis, relay and worker (state and logs in {home})")
    with EmbeddedStack(settings, logs=home / "logs"):
        demo = prepare(settings, training_tickets)
        say(f"training an adapter on {len(demo.seed):,} synthetic tickets, {len(demo.units)} units")
        first = train_and_promote(demo, demo.seed)
        tickets = list(islice(generate(count, start=training_tickets), count))
        pushed = _push_and_show(demo, tickets)
        second, further = learn_and_swap(demo, _truth(tickets))
        no_adapter, before = score_before(demo, first, further)
        with demo.database.reading() as session:
            after = read_outcome(session, _truth(further), FURTHER_SOURCE)
    say(
        f"the same {len(further)} further tickets: {no_adapter:.3f} right without adapter, "
        f"{before:.3f} before the corrections, {after.accuracy:.3f} after"
    )
    summary = {
        **_counts(pushed, after),
        "accuracy_no_adapter": round(no_adapter, 4),
        "accuracy_before": round(before, 4),
        "accuracy_after": after.accuracy,
        "tickets_per_s": round(pushed.count / pushed.seconds, 1),
        "model": second.name,
        "answer": second.manifest.metrics["answer"],
        "seconds": round(time.monotonic() - began, 1),
    }
    click.echo(json.dumps(summary))


def _push_and_show(demo: Demo, tickets: Sequence[SampleTicket]) -> _Pushed:
    """Push the tickets, wait for their answers, and show where they went."""
    say(f"pushing {len(tickets):,} other synthetic tickets")
    began = time.monotonic()
    ids = push(demo, tickets, SOURCE)
    seconds = time.monotonic() - began
    with demo.database.reading() as session:
        outcome = read_outcome(session, _truth(tickets), SOURCE)
        print_table(session, SOURCE)
    return _Pushed(len(ids), seconds, outcome)


def _truth(tickets: Sequence[SampleTicket]) -> dict[str, str]:
    """Return external id -> code of the right unit."""
    return {ticket.external_id: ticket.unit for ticket in tickets}


def _counts(pushed: _Pushed, after: Outcome) -> dict[str, Any]:
    """Return what became of the pushed tickets; none of the further ones may be lost either."""
    return {
        "pushed": pushed.count,
        **asdict(pushed.outcome),
        "lost": pushed.outcome.lost + after.lost,
        "dead": pushed.outcome.dead + after.dead,
    }
