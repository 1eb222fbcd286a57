"""Where a demo runs: a folder of its own, with units and labelled tickets."""

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from core.errors import InputError
from core.files import private_folder
from core.settings import Settings
from core.text import model_text
from db import Database, open_database, taxonomy
from paidan.demo.world import NEW_UNIT, tickets_before
from paidan.embedded.stack import EmbeddedStack
from paidan.sample.generator import SampleTicket, load_units
from training.samples import Sample

_MARKER = ".paidan-demo"
ACTOR = "demo"


@dataclass(frozen=True, slots=True)
class Demo:
    """What the steps of a demo share; ``seed`` are the labelled tickets of the old days."""

    stack: EmbeddedStack
    database: Database
    settings: Settings
    seed: Sequence[Sample]


def settings_for(home: Path) -> Settings:
    """Return the settings of a demo: much is looked at by people, so that few tickets say much."""
    return Settings(
        home=home,
        database_url=None,
        redis_url=None,
        models_dir=None,
        review_sample=0.25,
        recent_share=0.3,
        frozen_share=0.15,
        disagreements=0,
    )


def empty_home(home: Path) -> None:
    """Remove an earlier demo's state, and nothing else."""
    if home.exists() and any(home.iterdir()):
        if not (home / _MARKER).exists():
            raise InputError(f"{home} holds something that is no demo: name another --home")
        shutil.rmtree(home)
    private_folder(home)
    (home / _MARKER).touch()


def prepare(stack: EmbeddedStack, training_tickets: int) -> Demo:
    """Import the units there are at first, and make the labelled tickets."""
    database = open_database(stack.settings)
    import_units(database, {unit.code for unit in load_units()} - {NEW_UNIT})
    return Demo(
        stack,
        database,
        stack.settings,
        [as_sample(one) for one in tickets_before(training_tickets)],
    )


def import_units(database: Database, codes: Collection[str]) -> None:
    """Import some of the sample's units."""
    records = [
        taxonomy.UnitRecord(u.code, u.name, u.responsibilities, u.parent or None)
        for u in load_units()
        if u.code in codes
    ]
    with database.writing() as session:
        taxonomy.import_units(session, records, actor=ACTOR)


def as_sample(ticket: SampleTicket) -> Sample:
    """Return a synthetic ticket as a labelled one."""
    return Sample(model_text(ticket.title, ticket.text), ticket.unit)


def say(line: str) -> None:
    """Tell on standard error how far the demo is."""
    click.echo(f"demo: {line}", err=True)
