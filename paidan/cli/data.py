"""``paidan data``: what trainings learn from."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import InputError
from core.settings import Settings, get_settings
from core.terminal import without_controls
from paidan.cli.labelled import read_labelled
from paidan.cli.labels import add_learned_units, shortened
from paidan.cli.options import (
    BY,
    COLUMN,
    ENCODING,
    JSON,
    SHEET,
    hint_of_missing,
    opened_database,
    print_json,
)

if TYPE_CHECKING:
    from db import Database
    from training.samples import Sample
    from training.snapshot.snapshot import Snapshot
    from training.suspects import Suspect

_TOLD_CHARS = 40

FILE = click.option("--data", "file", type=click.Path(path_type=Path), help="Labelled tickets.")


@click.group()
def data() -> None:
    """Keep what trainings learn from, and list labels that look wrong."""


@data.command()
@FILE
@COLUMN
@ENCODING
@SHEET
@BY
@JSON
def snapshot(
    file: Path | None,
    columns: dict[str, str],
    encoding: str | None,
    sheet: str | None,
    by: str,
    *,
    as_json: bool,
) -> None:
    """Make a snapshot of labelled tickets and all decisions, as a training learns from it.

    Without --data the tickets are those of the newest snapshot. Units that labels name and nobody
    has entered are added.
    """
    with hint_of_missing("linear"):
        from training.snapshot.building import build_snapshot
        from training.snapshot.report import report_lines
        from training.snapshot.settings import SnapshotSettings

    settings = get_settings()
    with opened_database(settings) as database:
        seed = None if file is None else _seed(database, file, columns, encoding, sheet, by)
        made = build_snapshot(
            database,
            seed,
            models_dir=settings.resolved_models_dir,
            settings=SnapshotSettings.of(settings),
        )
    if as_json:
        print_json(_facts(made))
        return
    for line in report_lines(made.path.name, made.manifest.report):
        click.echo(without_controls(line))
    click.echo(f"kept in {made.path}")


def _seed(
    database: "Database",
    file: Path,
    columns: dict[str, str],
    encoding: str | None,
    sheet: str | None,
    by: str,
) -> "list[Sample]":
    """Read the file, and enter the units that it alone names."""
    labelled = read_labelled(database, file, columns, encoding, sheet=sheet, new_units=True)
    with database.writing() as session:
        added = add_learned_units(session, labelled.new_units, by)
    if added:
        click.echo(f"{len(added)} units were added from the labels: {shortened(added)}", err=True)
    return labelled.samples


def _facts(made: "Snapshot") -> dict[str, Any]:
    return {
        "snapshot": made.path.name,
        "sha256": made.sha256,
        "path": str(made.path),
        **made.manifest.report,
    }


@data.command()
@FILE
@click.option(
    "--top", type=click.IntRange(1), default=20, show_default=True, help="How many to show."
)
@COLUMN
@ENCODING
@SHEET
@JSON
def suspects(
    file: Path | None,
    top: int,
    columns: dict[str, str],
    encoding: str | None,
    sheet: str | None,
    *,
    as_json: bool,
) -> None:
    """List the labels that look most wrong, by linear models that learned the other tickets.

    Without --data the tickets are all of the newest snapshot. Nothing is changed or left out: look
    at them, and decide anew with 'paidan correct', or mend the file.
    """
    from paidan.progress.training import TrainingProgress

    with hint_of_missing("linear"):
        from training.suspects import find_suspects

    settings = get_settings()
    if file is None:
        samples = _newest(settings)
    else:
        with opened_database(settings) as database:
            labelled = read_labelled(database, file, columns, encoding, sheet=sheet, new_units=True)
        samples = labelled.samples
    with TrainingProgress() as progress:
        found = find_suspects(samples, progress=progress)
    counts = {"tickets": len(samples), "suspect": sum(one.confident for one in found)}
    if as_json:
        print_json({**counts, "suspects": [_as_json(one) for one in found[:top]]})
        return
    click.echo(
        f"{counts['suspect']:,} of {counts['tickets']:,} tickets look like another unit's; the "
        f"first {min(top, len(found)):,}, the most suspect first:"
    )
    _print(found[:top])


def _newest(settings: Settings) -> "list[Sample]":
    """Return all tickets of the newest snapshot."""
    from training.snapshot.snapshot import Snapshot
    from training.snapshot.store import newest_path, snapshots_in

    path = newest_path(snapshots_in(settings.resolved_models_dir))
    if path is None:
        raise InputError(
            "there is no snapshot yet: make one with 'paidan data snapshot', or name labelled "
            "tickets with --data"
        )
    parts = Snapshot.load(path).parts
    return [row.as_sample() for rows in parts.values() for row in rows]


def _as_json(one: "Suspect") -> dict[str, Any]:
    return {
        "place": one.sample.source,
        "text": one.sample.text,
        "unit": one.sample.unit,
        "suggested": one.suggested,
        "confidence": round(one.confidence, 6),
        "margin": round(one.margin, 6),
        "suspect": one.confident,
    }


def _print(found: "Iterable[Suspect]") -> None:
    for one in found:
        told = " ".join(one.sample.text.split())
        told = told if len(told) <= _TOLD_CHARS else f"{told[:_TOLD_CHARS]}…"
        mark = "*" if one.confident else " "
        line = (
            f"{mark} {one.confidence:.4f}  {one.sample.unit} → {one.suggested}  "
            f"{one.sample.source}: {told}"
        )
        click.echo(without_controls(line))


COMMANDS = (data,)
