"""``paidan evaluate``: a model version, measured on labelled tickets."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.errors import ModelVersionError
from core.settings import get_settings
from paidan.cli.labelled import read_labelled
from paidan.cli.options import COLUMN, ENCODING, FILE, JSON, SHEET

if TYPE_CHECKING:
    from training.evaluation import Report


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
    else:
        _print_report(report, names)


def _print_report(report: "Report", names: Mapping[str, str]) -> None:
    """Print a report; ``names`` are the units' by code."""
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


COMMANDS = (evaluate,)
