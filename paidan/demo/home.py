"""Where a demo runs: a folder of its own, with units and labelled tickets."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from classifier.labels.template import PromptUnit
from core.errors import InputError
from core.files import private_folder
from core.settings import Settings
from core.text import model_text
from db import Database, open_database, taxonomy
from paidan.sample.generator import generate, load_units
from training.samples import Sample

_MARKER = ".paidan-demo"


@dataclass(frozen=True, slots=True)
class Demo:
    """What the steps of a demo share; ``seed`` are the labelled tickets of the first training."""

    database: Database
    settings: Settings
    units: Sequence[PromptUnit]
    seed: Sequence[Sample]


def empty_home(home: Path) -> None:
    """Remove an earlier demo's state, and nothing else."""
    if home.exists() and any(home.iterdir()):
        if not (home / _MARKER).exists():
            raise InputError(f"{home} holds something that is no demo: name another --home")
        shutil.rmtree(home)
    private_folder(home)
    (home / _MARKER).touch()


def prepare(settings: Settings, training_tickets: int) -> Demo:
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
    return Demo(database, settings, prompt_units, seed)


def say(line: str) -> None:
    """Tell on standard error how far the demo is."""
    click.echo(f"demo: {line}", err=True)
