"""Commands that train a model version and measure one."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from paidan.cli.options import (
    BY,
    COLUMN,
    ENCODING,
    FILE,
    JSON,
    hint_of_missing,
    print_json,
    read_file,
)
from paidan.errors import InputError, ModelVersionError
from paidan.settings import Settings, get_settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db import Database
    from training.samples import Sample
    from training.versions import TrainedVersion

_SHOWN = 5


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
    by: str,
    *,
    corrections: bool,
    promoted: bool,
    as_json: bool,
) -> None:
    """Train a model version from a file of labelled tickets."""
    from db import open_database, registry
    from training.replay import corrected_samples

    if kind != "llm" and (base_name or recipe):
        raise click.UsageError("--base and --recipe go with --kind llm")
    settings = get_settings()
    database = open_database(settings)
    samples = _labelled(database, file, columns, encoding, add_units_as=by)
    if corrections:
        with database.reading() as session:
            decided = corrected_samples(session)
        click.echo(f"{len(decided):,} tickets that people decided are learned from too", err=True)
        samples += decided
    if kind == "llm":
        version = train_adapter(database, settings, samples, base_name, recipe, error_target)
    else:
        version = _train(database, settings, samples, kind, error_target)
    with database.writing() as session:
        register(session, version)
        if promoted:
            registry.promote(session, version.name, actor=by)
    if as_json:
        print_json({"version": version.name, "promoted": promoted, **version.manifest.metrics})
        return
    click.echo(f"{version.name}{' is the champion now' if promoted else ' is registered'}")
    if not promoted:
        click.echo(f"make it answer with: paidan models promote {version.name}")


def _train(
    database: "Database",
    settings: Settings,
    samples: "list[Sample]",
    kind: str,
    error_target: float,
) -> "TrainedVersion":
    from db import taxonomy
    from training.constant import train_constant
    from training.linear import train_linear

    with database.reading() as session:
        units = {u.code: u.name for u in taxonomy.list_units(session, active_only=True)}
    models_dir = settings.resolved_models_dir
    if kind == "constant":
        return train_constant(samples, units, models_dir=models_dir, error_target=error_target)
    return train_linear(
        samples,
        units,
        models_dir=models_dir,
        error_target=error_target,
        progress=lambda line: click.echo(line, err=True),
    )


def train_adapter(
    database: "Database",
    settings: Settings,
    samples: "list[Sample]",
    base_name: str | None = None,
    recipe: Path | None = None,
    error_target: float = 0.05,
) -> "TrainedVersion":
    """Train an LLM version, with progress on standard error; see ``training.llm.train_llm``."""
    from classifier.base import BASES, find_base, only_base
    from classifier.template import PromptUnit
    from db import taxonomy
    from paidan.cli.progress import TrainingProgress

    with hint_of_missing("ml"):
        from training.llm import recipe_for, train_llm

    bases_dir = settings.resolved_models_dir / BASES
    base = find_base(base_name, bases_dir) if base_name else only_base(bases_dir)
    with database.reading() as session:
        units = [
            PromptUnit(u.code, u.name, u.responsibilities)
            for u in taxonomy.list_units(session, active_only=True)
        ]
    with TrainingProgress() as progress:
        return train_llm(
            samples,
            units,
            base,
            models_dir=settings.resolved_models_dir,
            progress=progress,
            recipe=recipe_for(base, recipe),
            error_target=error_target,
        )


def register(session: "Session", version: "TrainedVersion") -> None:
    """Enter a trained version into the registry."""
    from db import registry
    from worker.resident import manifest_digest

    registry.register(
        session,
        name=version.name,
        kind=version.manifest.kind,
        manifest_sha256=manifest_digest(version.path),
        metrics=version.manifest.metrics,
    )


def _labelled(
    database: "Database",
    file: Path,
    columns: dict[str, str],
    encoding: str | None,
    *,
    add_units_as: str | None = None,
) -> "list[Sample]":
    """Read a file's tickets with the units their labels name.

    Labels that name no unit become units if ``add_units_as`` says who adds them; else, and where
    they name a unit that is gone without successor, the file is refused.
    """
    from db import taxonomy
    from training.samples import Sample

    labelled = _read_labelled(file, columns, encoding)
    labels = Counter(unit for _, _, unit, _ in labelled)
    if add_units_as is not None:
        with database.writing() as session:
            added = taxonomy.ensure_units(session, labels, actor=add_units_as)
        if added:
            shown = ", ".join(added[:_SHOWN]) + (", …" if len(added) > _SHOWN else "")
            click.echo(
                f"{len(added)} units not known yet were added from the labels: {shown}", err=True
            )
    with database.reading() as session:
        codes = taxonomy.resolve(session, labels)
    for line, _, unit, _ in labelled:
        if unit not in codes:
            raise InputError(
                f"{file}, line {line}, unit: {unit!r} is unknown, or retired without a successor; "
                "correct the label, or import the unit with 'paidan units import'"
            )
    return [Sample(text, codes[unit], thought) for _, text, unit, thought in labelled]


def _read_labelled(
    file: Path, columns: dict[str, str], encoding: str | None
) -> list[tuple[int, str, str, str]]:
    """Return line, model text, label and thought of each row; tell which rows are left out."""
    from paidan.privacy import mask
    from paidan.text import model_text
    from producer.records import THOUGHT, Reading, Rejected

    labelled: list[tuple[int, str, str, str]] = []
    left_out = 0
    reading = Reading(columns=columns, max_chars=get_settings().max_ticket_chars)
    for line, item in read_file(file, reading, encoding):
        if isinstance(item, Rejected):
            field, reason = item.field, item.reason
        elif item.unit is None:
            field, reason = "unit", "no unit is named"
        else:
            thought = mask(str(item.meta.get(THOUGHT) or ""))
            labelled.append((line, model_text(item.title, item.text), item.unit, thought))
            continue
        left_out += 1
        if left_out <= _SHOWN:
            click.echo(f"left out: {file}, line {line}, {field}: {reason}", err=True)
    if left_out:
        click.echo(f"{left_out:,} rows were left out", err=True)
    if not labelled:
        raise InputError(
            f"{file}: no row has both a text and a unit; name their columns with --column "
            "text=NAME --column unit=NAME"
        )
    return labelled


@click.command()
@FILE
@click.option("--model", "name", help="The version [default: the champion].")
@COLUMN
@ENCODING
@JSON
def evaluate(
    file: Path, name: str | None, columns: dict[str, str], encoding: str | None, *, as_json: bool
) -> None:
    """Measure a model version on a file of labelled tickets."""
    from classifier.loading import Options
    from db import open_database, registry, taxonomy
    from training.evaluation import evaluate as measure
    from worker.resident import load_version

    settings = get_settings()
    database = open_database(settings)
    with database.reading() as session:
        name = name or registry.champion(session)
        if name is None:
            raise ModelVersionError("no version is promoted: name one with --model")
        names = {u.code: u.name for u in taxonomy.list_units(session, active_only=True)}
    options = Options.of(settings)
    classifier = load_version(database, name, settings.resolved_models_dir, options)
    samples = _labelled(database, file, columns, encoding)
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
