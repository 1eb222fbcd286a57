"""``paidan train``: a model version from labelled tickets."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.errors import DATABASE_FAULTS
from core.settings import get_settings
from paidan.cli.labelled import read_labelled
from paidan.cli.labels import add_learned_units, shortened
from paidan.cli.options import BY, COLUMN, ENCODING, JSON, SHEET, Share, print_json
from paidan.cli.trainings import KINDS, Wanted, train_version

if TYPE_CHECKING:
    from classifier.setup import AnswerBy
    from db import Database
    from db.taxonomy import UnitRecord
    from registry.writer import TrainedVersion
    from training.samples import Sample


@click.command()
@click.option(
    "--data", "file", type=click.Path(path_type=Path), required=True, help="Labelled tickets."
)
@click.option("--kind", type=click.Choice(KINDS), default="linear", show_default=True)
@click.option("--base", "base_name", help="An LLM's base model [default: the one added].")
@click.option(
    "--recipe",
    type=click.Path(path_type=Path),
    help="A TOML file over the base's recipe (docs/TRAINING.md).",
)
@click.option(
    "--corrections", is_flag=True, help="Learn from what people decided, too (paidan correct)."
)
@click.option("--promote", "promoted", is_flag=True, help="Make it the champion.")
@click.option("--force", is_flag=True, help="With --promote: even if it is found weak.")
@click.option(
    "--answer",
    type=click.Choice(["head", "names"]),
    help="What an LLM answers by [default: what held-out tickets say is better].",
)
@click.option(
    "--error-target",
    type=Share(),
    default=0.05,
    show_default=True,
    help="Errors to accept among the answers that no person checks (kept with 90 % confidence).",
)
@click.option(
    "--no-unit-review",
    type=Share(),
    default=0.05,
    show_default=True,
    help="Share of good tickets to have reviewed so as to find those of no unit; 0: never.",
)
@COLUMN
@ENCODING
@SHEET
@BY
@JSON
def train(
    file: Path,
    kind: str,
    base_name: str | None,
    recipe: Path | None,
    answer: "AnswerBy | None",
    error_target: float,
    no_unit_review: float,
    columns: dict[str, str],
    encoding: str | None,
    sheet: str | None,
    by: str,
    *,
    corrections: bool,
    promoted: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Train a model version from a file of labelled tickets."""
    from classifier.manifest import WEAK
    from db import open_database
    from registry.champion import check_strength

    if kind != "llm" and (base_name or recipe or answer):
        raise click.UsageError("--base, --recipe and --answer go with --kind llm")
    if force and not promoted:
        raise click.UsageError("--force goes with --promote")
    settings = get_settings()
    database = open_database(settings)
    labelled = read_labelled(database, file, columns, encoding, sheet=sheet, new_units=True)
    samples = labelled.samples + (_decided(database) if corrections else [])
    units = _units(database, labelled.new_units)
    parent = _champion(database)
    wanted = Wanted(kind, base_name, recipe, error_target, no_unit_review, answer, parent)
    version = train_version(settings, samples, units, wanted)
    metrics = version.manifest.metrics
    promoting = promoted and (force or WEAK not in metrics)
    forced = str(metrics.get(WEAK) or "nothing") if force else None
    _enter(database, version, labelled.new_units, by, promoted=promoting, forced=forced)
    _print_version(version, promoted=promoting, as_json=as_json)
    if promoted and not promoting:
        check_strength(version.name, metrics)  # says why, and that it was kept


def _champion(database: "Database") -> str | None:
    from db import versions

    with database.reading() as session:
        return versions.champion(session)


def _decided(database: "Database") -> "list[Sample]":
    """Return what people decided, as samples, and tell how many these are."""
    from training.replay import corrected_samples

    with database.reading() as session:
        decided = corrected_samples(session)
    click.echo(f"{len(decided):,} tickets that people decided are learned from too", err=True)
    return decided


def _units(database: "Database", new: "Sequence[UnitRecord]") -> "list[UnitRecord]":
    """Return the active units and the new ones, by code."""
    from db import taxonomy

    with database.reading() as session:
        known = [
            taxonomy.UnitRecord(unit.code, unit.name, unit.responsibilities)
            for unit in taxonomy.list_units(session, active_only=True)
        ]
    return sorted([*known, *new], key=lambda unit: unit.code)


def _enter(
    database: "Database",
    version: "TrainedVersion",
    new_units: "Sequence[UnitRecord]",
    by: str,
    *,
    promoted: bool,
    forced: str | None,
) -> None:
    """Enter the version with the units it learned, and tell of the new ones."""
    from db import versions
    from registry.registration import register

    try:
        with database.writing() as session:
            # Here, so that a training that failed leaves no unit behind.
            added = add_learned_units(session, new_units, by)
            register(session, version)
            if promoted:
                versions.promote(session, version.name, actor=by, forced=forced)
    except DATABASE_FAULTS:
        click.echo(
            f"the version could not be registered: see whether 'paidan models list' has "
            f"{version.name}, and remove {version.path} where it has not",
            err=True,
        )
        raise
    if added:
        click.echo(f"{len(added)} units were added from the labels: {shortened(added)}", err=True)


def _print_version(version: "TrainedVersion", *, promoted: bool, as_json: bool) -> None:
    if as_json:
        print_json({"version": version.name, "promoted": promoted, **version.manifest.metrics})
        return
    click.echo(f"{version.name}{' is the champion now' if promoted else ' is registered'}")
    if not promoted:
        click.echo(f"make it answer with: paidan models promote {version.name}")


COMMANDS = (train,)
