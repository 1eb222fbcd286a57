"""What the demo's model learns, and how good it is before and after."""

from collections.abc import Sequence

from sqlalchemy import select

from classifier.engine.engine import Engine
from classifier.llm import LlmClassifier
from classifier.model.bases.entries import STAND_IN, find_base
from core.text import model_text
from db import Database, corrections, versions
from db.models import Status, Ticket
from paidan.demo.home import Demo, say
from paidan.demo.outcome import answered_by
from paidan.demo.pushing import FURTHER_SOURCE, FURTHER_START, SOURCE, as_new, push
from paidan.progress.push import PushProgress
from paidan.progress.training import TrainingProgress
from paidan.sample.generator import SampleTicket, generate
from producer.submit import Submitter
from registry.registration import register
from registry.writer import TrainedVersion
from training.adapter.version import train_llm
from training.evaluation import evaluate
from training.replay import corrected_samples
from training.samples import Sample

_FURTHER_TICKETS = 500
# The old version answers until the new one is loaded; these are the tickets that find out.
_SWAP_SOURCE, _SWAP_TICKETS = "synthetic-swap", 100


def train_and_promote(demo: Demo, samples: Sequence[Sample]) -> TrainedVersion:
    """Train an adapter on the stand-in and make it the champion; the worker swaps it in."""
    models_dir = demo.settings.resolved_models_dir
    with TrainingProgress("demo: ") as progress:
        version = train_llm(
            samples,
            demo.units,
            find_base(STAND_IN, models_dir),
            models_dir=models_dir,
            progress=progress,
        )
    with demo.database.writing() as session:
        register(session, version)
        versions.promote(session, version.name, actor="demo")
    return version


def learn_and_swap(
    demo: Demo, truth: dict[str, str]
) -> tuple[TrainedVersion, Sequence[SampleTicket]]:
    """Correct the doubtful, train again with that, and push further tickets past the swap."""
    corrected = correct_doubtful(demo.database, truth)
    say(f"a person decided the {corrected:,} doubtful ones; training again with these")
    with demo.database.reading() as session:
        decided = corrected_samples(session)
    second = train_and_promote(demo, [*demo.seed, *decided])
    say("promoted; the running worker swaps the adapter")
    await_swap(demo, second)
    further = list(generate(_FURTHER_TICKETS, start=FURTHER_START))
    push(demo, further, FURTHER_SOURCE)
    with demo.database.reading() as session:
        answered = answered_by(session, FURTHER_SOURCE)
    say(f"{answered[second.name]:,} of {len(further):,} further tickets answered by the new one")
    return second, further


def correct_doubtful(database: Database, truth: dict[str, str]) -> int:
    """Decide every ticket in review by its true unit, as a person would."""
    with database.writing() as session:
        waiting = session.scalars(
            select(Ticket).where(Ticket.source == SOURCE, Ticket.status == Status.REVIEW)
        ).all()
        for ticket in waiting:
            corrections.decide(session, ticket, truth[ticket.external_id], actor="demo")
    return len(waiting)


def await_swap(demo: Demo, version: TrainedVersion) -> None:
    """Push tickets one by one until the version answers."""
    tickets = generate(_SWAP_TICKETS, start=FURTHER_START + _FURTHER_TICKETS)
    submitter = Submitter.from_settings(demo.settings)
    for ticket in tickets:
        ids = submitter.submit([as_new(ticket, _SWAP_SOURCE)]).ids
        PushProgress(quiet=True).wait(demo.database, ids)
        with demo.database.reading() as session:
            if version.name in answered_by(session, _SWAP_SOURCE):
                return


def score_before(
    demo: Demo, first: TrainedVersion, further: Sequence[SampleTicket]
) -> tuple[float, float]:
    """Return the accuracies of the bare base and of the first version on the further tickets."""
    samples = [Sample(model_text(t.title, t.text), t.unit) for t in further]
    allowed = frozenset(unit.code for unit in demo.units)
    before = LlmClassifier.load(first.path)
    bare = LlmClassifier(
        "no adapter",
        Engine(before.engine.backbone, None, before.engine.prompt),
        first.manifest.calibration,
    )
    accuracy_bare = evaluate(bare, samples, allowed).accuracy
    return accuracy_bare, evaluate(before, samples, allowed).accuracy
