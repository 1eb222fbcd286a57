"""The demo from an empty folder to its summary."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

from classifier.version_files import read_manifest
from db.run_tables import Run, RunState
from paidan.demo.home import Demo, empty_home, import_units, prepare, say, settings_for
from paidan.demo.loop import decide_waiting, learn, tell_verdict
from paidan.demo.outcome import Outcome, read_outcome
from paidan.demo.pushing import push
from paidan.demo.swap import accuracy_of, accuracy_without_adapter, await_swap
from paidan.demo.table import print_table
from paidan.demo.world import NEW_UNIT, tickets_later
from paidan.embedded.stack import EmbeddedStack
from paidan.sample.generator import SampleTicket

_TRAINING_TICKETS = 3_000
_FURTHER_TICKETS = 300
_BARE_TICKETS = 100
"""Of these, the first, for the base alone: it is far off, and slow, as it answers by names."""
_LOOPS = 2


@dataclass
class Story:
    """What happened.

    Attributes:
        outcomes: of the pushed tickets, loop by loop.
        seconds: in which these were answered.
        runs: the training runs, the first one included.
        champions: what answered after each of them.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    pushed: int = 0
    seconds: float = 0.0
    runs: list[Run] = field(default_factory=list)
    champions: list[str] = field(default_factory=list)


def run_demo(home: Path, count: int, training_tickets: int = _TRAINING_TICKETS) -> None:
    """Train; twice push later tickets, decide, train again, swap; the last line is JSON.

    Args:
        home: the state's folder; an earlier demo's is replaced.
        count: tickets to push.
        training_tickets: labelled tickets of the first training.
    """
    began = time.monotonic()
    empty_home(home)
    settings = settings_for(home)
    say(f"starting Redis, relay, worker and trainer (state and logs in {home})")
    with EmbeddedStack(settings, logs=home / "logs") as stack:
        demo = prepare(stack, training_tickets)
        story = Story()
        say(f"training an adapter on {len(demo.seed):,} synthetic tickets of the old days")
        _train(demo, story)
        say(f"a year later: other words, unknown matters, and a new unit {NEW_UNIT}")
        import_units(demo.database, {NEW_UNIT})
        each = count // _LOOPS
        for loop in range(_LOOPS):
            tickets = list(tickets_later(each, after=loop * each))
            _answer_and_learn(demo, story, loop + 1, tickets)
        summary = _summary(demo, story)
    click.echo(json.dumps({**summary, "seconds": round(time.monotonic() - began, 1)}))


def _answer_and_learn(demo: Demo, story: Story, loop: int, tickets: Sequence[SampleTicket]) -> None:
    """Push tickets, let a person decide those in review, and train again with that."""
    source = f"synthetic-{loop}"
    say(f"loop {loop}: pushing {len(tickets):,} later tickets")
    began = time.monotonic()
    story.pushed += len(push(demo, tickets, source))
    story.seconds += time.monotonic() - began
    truth = {ticket.external_id: ticket.unit for ticket in tickets}
    with demo.database.reading() as session:
        story.outcomes.append(read_outcome(session, truth, source))
        print_table(session, source)
    decided = decide_waiting(demo.database, truth, source)
    say(f"a person decided the {decided:,} in review; the trainer trains again with these")
    _train(demo, story, kills=loop == 1)


def _train(demo: Demo, story: Story, *, kills: bool = False) -> None:
    run = learn(demo, kills=kills)
    story.runs.append(run)
    tell_verdict(run.verdict)
    if run.state == RunState.DONE:
        say(f"run {run.id} promoted {run.version}; the worker takes it")
        await_swap(demo)
    else:
        say(f"run {run.id} made {run.version}, which the gate refused: the champion stays")
    promoted = run.version if run.state == RunState.DONE else story.champions[-1]
    story.champions.append(str(promoted))


def _summary(demo: Demo, story: Story) -> dict[str, Any]:
    """Push further tickets past the last swap, and compare all champions on them."""
    further = list(tickets_later(_FURTHER_TICKETS, after=500_000))
    push(demo, further, "synthetic-further")
    truth = {ticket.external_id: ticket.unit for ticket in further}
    with demo.database.reading() as session:
        after = read_outcome(session, truth, "synthetic-further")
    first, second, _ = story.champions
    bare = accuracy_without_adapter(demo, first, further[:_BARE_TICKETS])
    before, between = (accuracy_of(demo, one, further) for one in (first, second))
    say(
        f"the same {len(further)} further tickets: {bare:.3f} right without adapter (of the first "
        f"{_BARE_TICKETS}), {before:.3f} before, {between:.3f} after one loop, "
        f"{after.accuracy:.3f} after two"
    )
    manifest = read_manifest(demo.settings.resolved_models_dir / story.champions[-1])
    return {
        **_counts(story, after),
        "accuracy_no_adapter": round(bare, 4),
        "accuracy_before": round(before, 4),
        "accuracy_after_one": round(between, 4),
        "accuracy_after": after.accuracy,
        "tickets_per_s": round(story.pushed / story.seconds, 1),
        "model": story.champions[-1],
        "answer": manifest.metrics["answer"],
        "runs": [_told(run) for run in story.runs],
    }


def _counts(story: Story, after: Outcome) -> Mapping[str, Any]:
    """Return what became of the pushed tickets; none of the further ones may be lost either."""
    whole = [*story.outcomes, after]
    last = asdict(story.outcomes[-1])
    return {
        "pushed": story.pushed,
        **last,
        **{
            name: sum(getattr(one, name) for one in story.outcomes) for name in ("routed", "review")
        },
        "lost": sum(one.lost for one in whole),
        "dead": sum(one.dead for one in whole),
    }


def _told(run: Run) -> dict[str, Any]:
    refused = [
        finding["check"]
        for finding in (run.verdict or {"findings": []})["findings"]
        if not finding["passed"]
    ]
    return {"state": run.state, "attempts": run.attempts, "refused_by": refused}
