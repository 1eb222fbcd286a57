"""Commands that train a model version and measure one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.errors import ModelVersionError, TaxonomyError
from core.settings import Settings, get_settings
from paidan.cli.labelled import read_labelled, shortened
from paidan.cli.options import (
    BY,
    COLUMN,
    ENCODING,
    FILE,
    JSON,
    SHEET,
    hint_of_missing,
    print_json,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db import Database
    from db.taxonomy import UnitRecord
    from registry.writer import TrainedVersion
    from training.samples import Sample


@click.command()
@click.option(
    "--data", "file", type=click.Path(path_type=Path), required=True, help="Labelled tickets."
)
@click.option(
    "--kind", type=click.Choice(["linear", "llm", "constant"]), default="linear", show_default=True
)
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
@click.option(
    "--error-target",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    help="Errors to accept among the answers that no person checks.",
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
    error_target: float,
    columns: dict[str, str],
    encoding: str | None,
    sheet: str | None,
    by: str,
    *,
    corrections: bool,
    promoted: bool,
    as_json: bool,
) -> None:
    """Train a model version from a file of labelled tickets."""
    from db import open_database, versions
    from registry.registration import register
    from training.replay import corrected_samples

    if kind != "llm" and (base_name or recipe):
        raise click.UsageError("--base and --recipe go with --kind llm")
    settings = get_settings()
    database = open_database(settings)
    labelled = read_labelled(database, file, columns, encoding, sheet=sheet, new_units=True)
    samples = labelled.samples
    if corrections:
        with database.reading() as session:
            decided = corrected_samples(session)
        click.echo(f"{len(decided):,} tickets that people decided are learned from too", err=True)
        samples += decided
    if kind == "llm":
        units = _units(database, labelled.new_units)
        version = train_adapter(settings, samples, units, base_name, recipe, error_target)
    else:
        names = {unit.code: unit.name for unit in _units(database, labelled.new_units)}
        version = _train(settings, samples, names, kind, error_target)
    with database.writing() as session:
        # Here, so that a training that failed leaves no unit behind.
        added = add_learned_units(session, labelled.new_units, by)
        register(session, version)
        if promoted:
            versions.promote(session, version.name, actor=by)
    if added:
        click.echo(f"{len(added)} units were added from the labels: {shortened(added)}", err=True)
    if as_json:
        print_json({"version": version.name, "promoted": promoted, **version.manifest.metrics})
        return
    click.echo(f"{version.name}{' is the champion now' if promoted else ' is registered'}")
    if not promoted:
        click.echo(f"make it answer with: paidan models promote {version.name}")


def _units(database: "Database", new: "Sequence[UnitRecord]") -> "list[UnitRecord]":
    """Return the active units and the new ones, by code."""
    from db import taxonomy

    with database.reading() as session:
        known = [
            taxonomy.UnitRecord(unit.code, unit.name, unit.responsibilities)
            for unit in taxonomy.list_units(session, active_only=True)
        ]
    return sorted([*known, *new], key=lambda unit: unit.code)


def add_learned_units(session: "Session", new: "Sequence[UnitRecord]", actor: str) -> list[str]:
    """Add the units that the labels named, and return their names.

    Raises:
        TaxonomyError: meanwhile somebody else added a unit that looks like one of them.
    """
    from db import taxonomy

    added = taxonomy.ensure_units(session, {unit.name: 1 for unit in new}, actor=actor)
    known = taxonomy.resolve(session, [unit.code for unit in new], alike=False)
    lost = [unit.code for unit in new if unit.code not in known]
    if lost:
        raise TaxonomyError(
            f"while the version was trained, a unit was added that looks like {lost[0]!r}: train "
            "again"
        )
    return added


def _train(
    settings: Settings,
    samples: "list[Sample]",
    units: dict[str, str],
    kind: str,
    error_target: float,
) -> "TrainedVersion":
    from paidan.progress.training import TrainingProgress
    from training.constant import train_constant
    from training.linear.version import train_linear

    models_dir = settings.resolved_models_dir
    if kind == "constant":
        return train_constant(samples, units, models_dir=models_dir, error_target=error_target)
    with TrainingProgress() as progress:
        return train_linear(
            samples, units, models_dir=models_dir, error_target=error_target, progress=progress
        )


def train_adapter(
    settings: Settings,
    samples: "list[Sample]",
    units: "Sequence[UnitRecord]",
    base_name: str | None = None,
    recipe: Path | None = None,
    error_target: float = 0.05,
) -> "TrainedVersion":
    """Train an LLM version, with progress on standard error; see ``training.adapter.version``."""
    from classifier.labels.template import PromptUnit
    from classifier.model.bases.entries import BASES, find_base, only_base
    from paidan.progress.training import TrainingProgress

    with hint_of_missing("ml"):
        from training.adapter.preparation import recipe_for
        from training.adapter.version import train_llm

    bases_dir = settings.resolved_models_dir / BASES
    base = find_base(base_name, bases_dir) if base_name else only_base(bases_dir)
    with TrainingProgress() as progress:
        return train_llm(
            samples,
            [PromptUnit(unit.code, unit.name, unit.responsibilities) for unit in units],
            base,
            models_dir=settings.resolved_models_dir,
            progress=progress,
            recipe=recipe_for(base, recipe),
            error_target=error_target,
        )


@click.command()
@FILE
@click.option("--model", "name", help="The version [default: the champion].")
@COLUMN
@ENCODING
@SHEET
@JSON
def evaluate(
    file: Path,
    name: str | None,
    columns: dict[str, str],
    encoding: str | None,
    sheet: str | None,
    *,
    as_json: bool,
) -> None:
    """Measure a model version on a file of labelled tickets."""
    from classifier.loading import Options
    from db import open_database, taxonomy, versions
    from registry.opening import load_version
    from training.evaluation import evaluate as measure

    settings = get_settings()
    database = open_database(settings)
    with database.reading() as session:
        name = name or versions.champion(session)
        if name is None:
            raise ModelVersionError("no version is promoted: name one with --model")
        names = {u.code: u.name for u in taxonomy.list_units(session, active_only=True)}
    options = Options.of(settings)
    classifier = load_version(database, name, settings.resolved_models_dir, options)
    samples = read_labelled(database, file, columns, encoding, sheet=sheet).samples
    report = measure(classifier, samples, frozenset(names))
    if as_json:
        click.echo(report.to_json())
        return
    click.echo(f"{report.version} on {report.n:,} tickets")
    click.echo(f"accuracy {report.accuracy:.4f}")
    for average, scores in (("macro", report.macro), ("weighted", report.weighted)):
        click.echo(
            f"{average:8} precision {scores.precision:.4f}  recall {scores.recall:.4f}  "
            f"F1 {scores.f1:.4f}"
        )
    error = "-" if report.error is None else f"{report.error:.4f}"
    click.echo(f"not held back {report.coverage:.4f}, error among these {error}")
    click.echo(f"expected calibration error {report.calibration_error:.4f}\n")
    click.echo("precision recall     F1  tickets  unit")
    for code, unit in sorted(report.per_unit.items(), key=lambda item: -item[1].support):
        click.echo(
            f"{unit.precision:9.3f} {unit.recall:6.3f} {unit.f1:6.3f} {unit.support:8,}  "
            f"{names.get(code, code)}"
        )
    if report.unknown_units:
        click.echo(f"units the model never learned: {', '.join(report.unknown_units)}")


COMMANDS = (train, evaluate)
