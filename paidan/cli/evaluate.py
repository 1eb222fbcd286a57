"""``paidan evaluate``: a model version, measured on labelled tickets."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.errors import ModelVersionError
from core.settings import get_settings
from core.whole import replacing
from paidan.cli.labelled import read_labelled
from paidan.cli.options import COLUMN, ENCODING, FILE, JSON, SHEET, explained, hint_of_missing

if TYPE_CHECKING:
    from training.evaluation import Report


@click.command()
@FILE
@click.option("--model", "name", help="The version [default: the champion].")
@COLUMN
@ENCODING
@SHEET
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the risk-coverage curve to this .svg file.",
)
@JSON
def evaluate(
    file: Path,
    name: str | None,
    columns: dict[str, str],
    encoding: str | None,
    sheet: str | None,
    plot: Path | None,
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
        name = versions.named(session, name) if name else versions.champion(session)
        if name is None:
            raise ModelVersionError("no version is promoted: name one with --model")
        names = {u.code: u.name for u in taxonomy.list_units(session, active_only=True)}
    options = Options.of(settings)
    classifier = load_version(database, name, settings.resolved_models_dir, options)
    samples = read_labelled(database, file, columns, encoding, sheet=sheet).samples
    report = measure(classifier, samples, frozenset(names))
    if plot:
        _draw(report, plot)
    if as_json:
        click.echo(report.to_json())
    else:
        _print_report(report, names)


def _draw(report: "Report", plot: Path) -> None:
    title = f"{report.version} on {report.n:,} tickets"
    with hint_of_missing("plot"), explained(plot), replacing(plot) as unfinished:
        report.curve.draw(unfinished, (report.coverage, report.error), title)


def _print_report(report: "Report", names: Mapping[str, str]) -> None:
    """Print a report; ``names`` are the units' by code."""
    click.echo(f"{report.version} on {report.n:,} tickets")
    click.echo(f"accuracy {_measured(report.accuracy, report.accuracy_interval)}")
    for average, scores in (("macro", report.macro), ("weighted", report.weighted)):
        click.echo(
            f"{average:8} precision {scores.precision:.4f}  recall {scores.recall:.4f}  "
            f"F1 {scores.f1:.4f}"
        )
    click.echo(f"not held back {_measured(report.coverage, report.coverage_interval)}")
    click.echo(f"error among these {_measured(report.error, report.error_interval)}")
    click.echo(f"area under risk and coverage {report.curve.area:.4f}")
    click.echo(f"expected calibration error {report.calibration_error:.4f}\n")
    click.echo("precision recall     F1  tickets  unit")
    for code, unit in sorted(report.per_unit.items(), key=lambda item: -item[1].support):
        click.echo(
            f"{unit.precision:9.3f} {unit.recall:6.3f} {unit.f1:6.3f} {unit.support:8,}  "
            f"{names.get(code, code)}"
        )
    if report.unknown_units:
        click.echo(f"units the model never learned: {', '.join(report.unknown_units)}")


def _measured(share: float | None, interval: tuple[float, float] | None) -> str:
    """Return a share with its 95 % interval, for people."""
    if share is None or interval is None:
        return "-"
    return f"{share:.4f} (95 %: {interval[0]:.4f} to {interval[1]:.4f})"


COMMANDS = (evaluate,)
