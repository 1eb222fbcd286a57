"""``paidan runs``: training runs that a trainer works off."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import BrokerUnavailableError, InputError
from core.settings import get_settings
from paidan.cli.labelled import read_labelled
from paidan.cli.labels import add_learned_units, shortened
from paidan.cli.options import (
    BY,
    COLUMN,
    ENCODING,
    JSON,
    LIMIT,
    RUN,
    SHEET,
    Share,
    hint_of_missing,
    opened_database,
    print_json,
)
from paidan.cli.run_report import describe_point, describe_run, print_run
from paidan.cli.run_standing import describe_standing

if TYPE_CHECKING:
    from classifier.setup import AnswerBy
    from db import Database
    from paidan.cli.labelled import Labelled

_KINDS = ("linear", "llm")


@click.group()
def runs() -> None:
    """Start, list, show, judge and cancel training runs (paidan trainer works them off)."""


@runs.command()
@click.option("--kind", type=click.Choice(_KINDS), help="[default: the last run's, or linear]")
@click.option(
    "--data",
    "file",
    type=click.Path(path_type=Path),
    help="Labelled tickets, learned beside people's decisions [default: the last run's].",
)
@click.option("--base", help="An LLM's base model [default: the one added].")
@click.option(
    "--recipe",
    type=click.Path(path_type=Path),
    help="A TOML file over the base's recipe (docs/TRAINING.md).",
)
@click.option("--answer", type=click.Choice(["head", "names"]), help="What an LLM answers by.")
@click.option("--error-target", type=Share(), help="As of paidan train.")
@click.option("--no-unit-review", type=Share(), help="As of paidan train.")
@COLUMN
@ENCODING
@SHEET
@BY
@JSON
def start(
    kind: str | None,
    file: Path | None,
    base: str | None,
    recipe: Path | None,
    answer: "AnswerBy | None",
    error_target: float | None,
    no_unit_review: float | None,
    columns: dict[str, str],
    encoding: str | None,
    sheet: str | None,
    by: str,
    *,
    as_json: bool,
) -> None:
    """Ask for a run: like the last one, but for what is given here."""
    given = {
        "base": base,
        "answer": answer,
        "error_target": error_target,
        "no_unit_review": no_unit_review,
    }
    with opened_database(get_settings()) as database:
        labelled = None
        if file is not None:
            labelled = read_labelled(database, file, columns, encoding, sheet=sheet, new_units=True)
        if recipe is not None:
            given |= _read_recipe(recipe, database, labelled)
        with hint_of_missing("linear"):
            run_id = _ask(database, kind, given, labelled, by)
    _call_trainers()
    if as_json:
        print_json({"run": run_id})
    else:
        click.echo(f"run {run_id} waits for a trainer: paidan runs show {run_id}")


def _ask(
    database: "Database",
    kind: str | None,
    given: dict[str, Any],
    labelled: "Labelled | None",
    by: str,
) -> int:
    """Enter the run, and the units that its labels name for the first time."""
    from db import runs as record
    from training.runs.wish import Wish
    from training.snapshot.seed import store_seed
    from training.snapshot.store import snapshots_in

    given = {name: value for name, value in given.items() if value is not None}
    if labelled is not None:
        folder = snapshots_in(get_settings().resolved_models_dir)
        given["seed"] = store_seed(folder, labelled.samples)
    with database.writing() as session:
        last = record.newest(session)
        kind = kind or (last.kind if last else _KINDS[0])
        if kind != "llm" and given.keys() & {"base", "recipe", "answer"}:
            raise click.UsageError("--base, --recipe and --answer go with --kind llm")
        parameters = {**(last.parameters if last else {}), **given}
        wish = Wish.of(parameters).model_dump(mode="json")
        added = add_learned_units(session, labelled.new_units, by) if labelled else []
        run_id = record.ask(session, kind, wish, asked_for=record.HAND, actor=by)
    if added:
        click.echo(f"{len(added)} units were added from the labels: {shortened(added)}", err=True)
    return run_id


def _read_recipe(file: Path, database: "Database", labelled: "Labelled | None") -> dict[str, Any]:
    """Return the recipe, and copies of the files that it names, for this run and later ones."""
    from db import taxonomy
    from training.adapter.recipe import Recipe
    from training.runs.kept_files import keep_files

    try:
        recipe = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read as a recipe: {error}") from error
    with suppress(ModuleNotFoundError, RuntimeError):  # without a TRL that works: the trainer asks
        Recipe.read(file)
    with database.reading() as session:
        units = {unit.code for unit in taxonomy.list_units(session, active_only=True)}
    units |= {unit.code for unit in labelled.new_units} if labelled else set()
    kept = keep_files(recipe, file, get_settings().resolved_models_dir, units)
    return {"recipe": recipe, "files": kept}


def _call_trainers() -> None:
    from core.publisher import call_trainers

    try:
        call_trainers(get_settings())
    except BrokerUnavailableError:
        click.echo(
            "Redis does not answer: a trainer finds the run by itself, a little later", err=True
        )


@runs.command("list")
@click.option(
    "--limit", type=LIMIT, default=20, show_default=True, help="How many, the newest first."
)
@JSON
def list_(limit: int, *, as_json: bool) -> None:
    """List the newest runs."""
    from db import runs as record

    with opened_database(get_settings()) as database, database.reading() as session:
        rows = [describe_run(run) for run in record.list_runs(session, limit=limit)]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        told = row["version"] or row["error"] or ""
        if row["judges"]:
            told += f" (judged anew, of run {row['judges']})"
        click.echo(
            f"{row['run']:>5}  {row['state']:<9}  {row['kind']:<6}  {row['asked_at']}  "
            f"by {row['asked_for']}  {told}"
        )
    if not rows:
        click.echo("no run yet: paidan runs start --data FILE")


@runs.command()
@RUN
@JSON
def show(run_id: int, *, as_json: bool) -> None:
    """Show a run: where its version stands, the gate's verdict, and its curves' last values."""
    from db import run_points
    from db.run_tables import Run

    with opened_database(get_settings()) as database, database.reading() as session:
        run = session.get(Run, run_id)
        if run is None:
            raise _unknown(run_id)
        points = run_points.list_points(session, run_id)
        standing = describe_standing(session, run)
        suspects = _suspects(run.snapshot_sha256)
        if as_json:
            told = {"suspects": suspects, "points": list(map(describe_point, points)), **standing}
            print_json(describe_run(run) | told)
        else:
            print_run(run, standing, points, suspects)


def _suspects(snapshot: str | None) -> str | None:
    """Return how many labels of a snapshot look wrong and where these are listed, if they are."""
    from registry.pruning import SNAPSHOTS
    from training.snapshot.suspect_list import find_list

    folder = get_settings().resolved_models_dir / SNAPSHOTS
    found = find_list(folder, snapshot) if snapshot else None
    return f"{found[0]:,} labels look wrong: {found[1]}" if found else None


@runs.command()
@RUN
@click.option(
    "--draw",
    is_flag=True,
    help="Ask people about disagreements with the champion, if nothing else decides.",
)
@BY
def judge(run_id: int, by: str, *, draw: bool) -> None:
    """Have the gate judge RUN's version anew, by the blind answers there are by now."""
    from db import judgings
    from db import runs as record
    from db.models import ModelVersion
    from db.run_tables import Run

    with opened_database(get_settings()) as database, database.writing() as session:
        run = session.get(Run, run_id)
        if run is None:
            raise _unknown(run_id)
        if run.state not in record.ENDED or session.get(ModelVersion, run.version or "") is None:
            raise InputError(f"run {run_id} is {run.state}: it has no version to judge")
        new = judgings.judge_anew(session, run, draw=draw, asked_for=record.HAND, actor=by)
    _call_trainers()
    click.echo(f"run {new} judges {run.version} anew: paidan runs show {new}")


@runs.command()
@RUN
@BY
def cancel(run_id: int, by: str) -> None:
    """Cancel a run that waits or is at work."""
    from db import runs as record

    with opened_database(get_settings()) as database, database.writing() as session:
        before = record.cancel(session, run_id, actor=by)
    if before is None:
        raise _unknown(run_id)
    if before == "queued":
        click.echo(f"run {run_id} is cancelled")
    elif before == "running":
        click.echo(f"run {run_id} ends with its trainer's next heartbeat")
    else:
        raise InputError(
            f"run {run_id} has ended already ({before}): see paidan runs show {run_id}"
        )


def _unknown(run_id: int) -> InputError:
    return InputError(f"there is no run {run_id}: see paidan runs list")


COMMANDS = (runs,)
