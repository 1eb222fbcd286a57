"""The demo: the whole way on synthetic tickets, on this machine alone.

Every ticket is invented (``paidan.sample``), so its accuracy says that the way works, not how good
Paidan is on real tickets.
"""

import json
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from db import Database, corrections, registry, taxonomy
from db.models import Classification, Status, Ticket
from db.session import open_database
from db.tickets import NewTicket
from paidan.cli.models import register
from paidan.cli.progress import PushProgress
from paidan.embedded import EmbeddedStack
from paidan.errors import InputError
from paidan.sample.generator import SampleTicket, generate, load_units
from paidan.settings import Settings
from paidan.text import model_text
from producer.submit import CHUNK, Submitter
from training.linear import train_linear
from training.samples import Sample
from training.versions import TrainedVersion

_TRAINING_TICKETS = 3000
_SOURCE = "synthetic"
_TABLE_ROWS = 15
_MARKER = ".paidan-demo"


def run_demo(home: Path, count: int) -> None:
    """Train, push ``count`` unseen tickets, correct the doubtful; the last line is JSON.

    Args:
        home: the state's folder; an earlier demo's is replaced.
        count: tickets to push.
    """
    began = time.monotonic()
    _empty(home)
    settings = Settings(home=home, database_url=None, redis_url=None, models_dir=None)
    _say(f"starting Redis, relay and worker (state and logs in {home})")
    with EmbeddedStack(settings, logs=home / "logs"):
        database = open_database(settings)
        version = _train(database, settings)
        tickets = list(islice(generate(count, start=_TRAINING_TICKETS), count))
        _say(f"pushing {count:,} other synthetic tickets")
        pushing = time.monotonic()
        ids = _push(database, settings, tickets)
        seconds = time.monotonic() - pushing
        truth = {ticket.external_id: ticket.unit for ticket in tickets}
        with database.reading() as session:
            outcome = _outcome(session, truth)
            _print_table(session)
        corrected = _correct_doubtful(database, truth)
        _say(f"a person checked the {corrected:,} doubtful ones; every ticket has its unit now")
    summary = {
        "pushed": len(ids),
        **outcome,
        "tickets_per_s": round(len(ids) / seconds, 1),
        "model": version.name,
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
    home.mkdir(parents=True, exist_ok=True)
    (home / _MARKER).touch()


def _train(database: Database, settings: Settings) -> TrainedVersion:
    """Import the units, train the linear model on synthetic tickets and promote it."""
    units = load_units()
    _say(f"training the linear model on {_TRAINING_TICKETS:,} tickets of {len(units)} units")
    with database.writing() as session:
        records = [
            taxonomy.UnitRecord(u.code, u.name, u.responsibilities, u.parent or None) for u in units
        ]
        taxonomy.import_units(session, records, actor="demo")
    samples = [Sample(model_text(t.title, t.text), t.unit) for t in generate(_TRAINING_TICKETS)]
    version = train_linear(
        samples,
        {unit.code: unit.name for unit in units},
        models_dir=settings.resolved_models_dir,
        progress=_say,
    )
    with database.writing() as session:
        register(session, version)
        registry.promote(session, version.name, actor="demo")
    return version


def _push(database: Database, settings: Settings, tickets: Sequence[SampleTicket]) -> list[int]:
    """Submit the tickets and wait for all of them, with progress."""
    submitter = Submitter.from_settings(settings)
    ids: list[int] = []
    with PushProgress() as progress:
        for start in range(0, len(tickets), CHUNK):
            chunk = [_as_new(ticket) for ticket in tickets[start : start + CHUNK]]
            ids += submitter.submit(chunk).ids
            progress.submitted(len(ids))
        progress.wait(database, ids)
    return ids


def _as_new(ticket: SampleTicket) -> NewTicket:
    return NewTicket(
        source=_SOURCE,
        external_id=ticket.external_id,
        title=ticket.title,
        text=ticket.text,
        received_at=ticket.received_at,
        lane=ticket.lane,
        district=ticket.district,
        unit=ticket.operator_unit,
        meta=dict(ticket.meta),
    )


def _outcome(session: Session, truth: dict[str, str]) -> dict[str, Any]:
    """Read from SQL what became of the tickets; ``lost`` counts those without an answer."""
    by_status = Counter(session.scalars(select(Ticket.status).where(Ticket.source == _SOURCE)))
    answers = session.execute(
        select(Ticket.external_id, Classification.unit_code)
        .join(Classification, Classification.ticket_id == Ticket.id)
        .where(Ticket.source == _SOURCE)
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
