"""The demo: the whole way on synthetic tickets, on this machine alone.

An adapter is trained on the stand-in base, answers tickets in the worker, is trained again with
what a person corrected, and is swapped while the worker runs. Every ticket is invented
(``paidan.sample``) and the base is tiny, so the accuracy says that the way works, not how good
Paidan is on real tickets.
"""

import json
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from classifier.engine.engine import Engine
from classifier.labels.template import PromptUnit
from classifier.llm import LlmClassifier
from classifier.model.bases.entries import STAND_IN, find_base
from core.errors import InputError
from core.files import private_folder
from core.settings import Settings
from core.text import model_text
from db import Database, corrections, open_database, taxonomy, versions
from db.models import Classification, Status, Ticket
from db.tickets import NewTicket
from paidan.cli.progress import PushProgress, TrainingProgress
from paidan.embedded import EmbeddedStack
from paidan.sample.generator import SampleTicket, generate, load_units
from producer.submit import CHUNK, Submitter
from registry.entries import register
from registry.writer import TrainedVersion
from training.adapter.version import train_llm
from training.evaluation import evaluate
from training.replay import corrected_samples
from training.samples import Sample

_TRAINING_TICKETS = 3000
_FURTHER_TICKETS = 500
# The further tickets come from far along the stream, so that --tickets never reaches them.
_FURTHER_START = 10_000_000
_SOURCE, _FURTHER_SOURCE = "synthetic", "synthetic-further"
# The old version answers until the new one is loaded; these are the tickets that find out.
_SWAP_SOURCE, _SWAP_TICKETS = "synthetic-swap", 100
_TABLE_ROWS = 15
_MARKER = ".paidan-demo"


@dataclass(frozen=True, slots=True)
class _Demo:
    """What the steps share."""

    database: Database
    settings: Settings
    units: Sequence[PromptUnit]
    seed: Sequence[Sample]


def run_demo(home: Path, count: int, training_tickets: int = _TRAINING_TICKETS) -> None:
    """Train, push ``count`` unseen tickets, correct, train again, swap; the last line is JSON.

    Args:
        home: the state's folder; an earlier demo's is replaced.
        count: tickets to push.
        training_tickets: labelled tickets of the first training.
    """
    began = time.monotonic()
    _empty(home)
    settings = Settings(home=home, database_url=None, redis_url=None, models_dir=None)
    _say(f"starting Redis, relay and worker (state and logs in {home})")
    with EmbeddedStack(settings, logs=home / "logs"):
        demo = _prepare(settings, training_tickets)
        _say(
            f"training an adapter on {len(demo.seed):,} synthetic tickets, {len(demo.units)} units"
        )
        first = _train_and_promote(demo, demo.seed)
        tickets = list(islice(generate(count, start=training_tickets), count))
        _say(f"pushing {count:,} other synthetic tickets")
        pushing = time.monotonic()
        ids = _push(demo, tickets, _SOURCE)
        seconds = time.monotonic() - pushing
        truth = {ticket.external_id: ticket.unit for ticket in tickets}
        with demo.database.reading() as session:
            outcome = _outcome(session, truth, _SOURCE)
            _print_table(session)
        second, further = _learn_and_swap(demo, truth)
        no_adapter, before = _score_before(demo, first, further)
        with demo.database.reading() as session:
            after = _outcome(session, {t.external_id: t.unit for t in further}, _FURTHER_SOURCE)
    _say(
        f"the same {len(further)} further tickets: {no_adapter:.3f} right without adapter, "
        f"{before:.3f} before the corrections, {after['accuracy']:.3f} after"
    )
    summary = {
        "pushed": len(ids),
        **outcome,
        "lost": outcome["lost"] + after["lost"],
        "dead": outcome["dead"] + after["dead"],
        "accuracy_no_adapter": round(no_adapter, 4),
        "accuracy_before": round(before, 4),
        "accuracy_after": after["accuracy"],
        "tickets_per_s": round(len(ids) / seconds, 1),
        "model": second.name,
        "seconds": round(time.monotonic() - began, 1),
    }
    click.echo(json.dumps(summary))


def _say(line: str) -> None:
    click.echo(f"demo: {line}", err=True)


def _empty(home: Path) -> None:
    """Remove an earlier demo's state, and nothing else."""
    if home.exists() and any(home.iterdir()):
        if not (home / _MARKER).exists():
            raise InputError(f"{home} holds something that is no demo: name another --home")
        shutil.rmtree(home)
    private_folder(home)
    (home / _MARKER).touch()


def _prepare(settings: Settings, training_tickets: int) -> _Demo:
    """Import the units and make the labelled tickets."""
    database = open_database(settings)
    units = load_units()
    with database.writing() as session:
        records = [
            taxonomy.UnitRecord(u.code, u.name, u.responsibilities, u.parent or None) for u in units
        ]
        taxonomy.import_units(session, records, actor="demo")
    seed = [Sample(model_text(t.title, t.text), t.unit) for t in generate(training_tickets)]
    prompt_units = [PromptUnit(u.code, u.name, u.responsibilities) for u in units]
    return _Demo(database, settings, prompt_units, seed)


def _train_and_promote(demo: _Demo, samples: Sequence[Sample]) -> TrainedVersion:
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


def _learn_and_swap(
    demo: _Demo, truth: dict[str, str]
) -> tuple[TrainedVersion, Sequence[SampleTicket]]:
    """Correct the doubtful, train again with that, and push further tickets past the swap."""
    corrected = _correct_doubtful(demo.database, truth)
    _say(f"a person decided the {corrected:,} doubtful ones; training again with these")
    with demo.database.reading() as session:
        decided = corrected_samples(session)
    second = _train_and_promote(demo, [*demo.seed, *decided])
    _say("promoted; the running worker swaps the adapter")
    _await_swap(demo, second)
    further = list(generate(_FURTHER_TICKETS, start=_FURTHER_START))
    _push(demo, further, _FURTHER_SOURCE)
    answered = _answered_by(demo, _FURTHER_SOURCE)
    _say(f"{answered[second.name]:,} of {len(further):,} further tickets answered by the new one")
    return second, further


def _await_swap(demo: _Demo, version: TrainedVersion) -> None:
    """Push tickets one by one until the version answers."""
    tickets = generate(_SWAP_TICKETS, start=_FURTHER_START + _FURTHER_TICKETS)
    submitter = Submitter.from_settings(demo.settings)
    for ticket in tickets:
        ids = submitter.submit([_as_new(ticket, _SWAP_SOURCE)]).ids
        PushProgress(quiet=True).wait(demo.database, ids)
        if version.name in _answered_by(demo, _SWAP_SOURCE):
            return


def _answered_by(demo: _Demo, source: str) -> Counter[str]:
    """Return how many tickets of a source each version answered."""
    query = (
        select(Classification.model_version)
        .join(Ticket, Ticket.id == Classification.ticket_id)
        .where(Ticket.source == source)
    )
    with demo.database.reading() as session:
        return Counter(session.scalars(query))


def _score_before(
    demo: _Demo, first: TrainedVersion, further: Sequence[SampleTicket]
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


def _push(demo: _Demo, tickets: Sequence[SampleTicket], source: str) -> list[int]:
    """Submit the tickets and wait for all of them, with progress."""
    submitter = Submitter.from_settings(demo.settings)
    ids: list[int] = []
    with PushProgress() as progress:
        for start in range(0, len(tickets), CHUNK):
            chunk = [_as_new(ticket, source) for ticket in tickets[start : start + CHUNK]]
            ids += submitter.submit(chunk).ids
            progress.submitted(len(ids))
        progress.wait(demo.database, ids)
    return ids


def _as_new(ticket: SampleTicket, source: str) -> NewTicket:
    return NewTicket(
        source=source,
        external_id=ticket.external_id,
        title=ticket.title,
        text=ticket.text,
        received_at=ticket.received_at,
        lane=ticket.lane,
        district=ticket.district,
        unit=ticket.operator_unit,
        meta=dict(ticket.meta),
    )


def _outcome(session: Session, truth: dict[str, str], source: str) -> dict[str, Any]:
    """Read from SQL what became of the tickets; ``lost`` counts those without an answer."""
    by_status = Counter(session.scalars(select(Ticket.status).where(Ticket.source == source)))
    answers = session.execute(
        select(Ticket.external_id, Classification.unit_code)
        .join(Classification, Classification.ticket_id == Ticket.id)
        .where(Ticket.source == source)
    ).all()
    answered = {external_id for external_id, _ in answers}
    correct = sum(truth[external_id] == unit for external_id, unit in answers)
    return {
        "routed": by_status[Status.ROUTED],
        "review": by_status[Status.REVIEW],
        "dead": by_status[Status.DEAD],
        "lost": len(truth) - len(answered) - by_status[Status.DEAD],
        "accuracy": round(correct / max(1, len(answers)), 4),
    }


def _print_table(session: Session) -> None:
    """Show where the tickets went, with the model's mean confidence."""
    names = {unit.code: unit.name for unit in taxonomy.list_units(session)}
    confidences: dict[str, list[float]] = defaultdict(list)
    doubtful: Counter[str] = Counter()
    rows = session.execute(
        select(Classification.unit_code, Classification.probability, Classification.held_back)
        .join(Ticket, Ticket.id == Classification.ticket_id)
        .where(Ticket.source == _SOURCE)
    )
    for unit, probability, held_back in rows:
        confidences[unit].append(probability)
        doubtful[unit] += held_back is not None
    table = Table(title="Where the synthetic tickets went", title_justify="left")
    table.add_column("unit")
    for heading in ("tickets", "confidence", "to review"):
        table.add_column(heading, justify="right")
    ordered = sorted(confidences.items(), key=lambda item: -len(item[1]))
    for code, values in ordered[:_TABLE_ROWS]:
        mean = sum(values) / len(values)
        table.add_row(names[code], f"{len(values):,}", f"{mean:.2f}", f"{doubtful[code]:,}")
    rest = ordered[_TABLE_ROWS:]
    if rest:
        values = [value for _, group in rest for value in group]
        held = sum(doubtful[code] for code, _ in rest)
        mean = sum(values) / len(values)
        table.add_row(f"{len(rest)} other units", f"{len(values):,}", f"{mean:.2f}", f"{held:,}")
    Console(stderr=True).print(table)


def _correct_doubtful(database: Database, truth: dict[str, str]) -> int:
    """Decide every ticket in review by its true unit, as a person would."""
    with database.writing() as session:
        waiting = session.scalars(
            select(Ticket).where(Ticket.source == _SOURCE, Ticket.status == Status.REVIEW)
        ).all()
        for ticket in waiting:
            corrections.decide(session, ticket, truth[ticket.external_id], actor="demo")
    return len(waiting)
