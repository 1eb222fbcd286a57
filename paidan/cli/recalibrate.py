"""``paidan recalibrate``: a version's calibration, set anew from tickets that people decided."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import click

from core.errors import InputError, ModelVersionError
from core.settings import Settings, get_settings
from paidan.cli.labelled import read_labelled
from paidan.cli.options import (
    BY,
    COLUMN,
    ENCODING,
    JSON,
    SHEET,
    Share,
    opened_database,
    print_json,
    read_moment,
)
from paidan.cli.recalibration_report import (
    print_recalibration,
    report_json,
    tell_left_out,
    why_too_few,
)

if TYPE_CHECKING:
    from db import Database
    from training.recalibration import Recalibration
    from training.samples import Sample


class _Tickets(NamedTuple):
    """What calibrates, and what the record keeps of it."""

    samples: "list[Sample]"
    facts: dict[str, Any]


@click.command()
@click.argument("name")
@click.option("--data", "file", type=click.Path(path_type=Path), help="Labelled tickets instead.")
@click.option(
    "--error-target",
    type=Share(),
    help="Errors to accept among the answers that no person checks [default: the version's].",
)
@click.option(
    "--no-unit-review",
    type=Share(),
    help="Tickets of a unit that may be held back as of none [default: the version's].",
)
@click.option("--since", metavar="TIME", help="Decided then or later [default: since it was made].")
@click.option("--share", type=Share(), help="[default: PAIDAN_REVIEW_SAMPLE]")
@click.option("--hold-all", is_flag=True, help="Where tickets are too few, hold all back.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--rollback", "rolled_back", is_flag=True, help="Return to the calibration before.")
@COLUMN
@ENCODING
@SHEET
@BY
@JSON
def recalibrate(
    name: str,
    file: Path | None,
    error_target: float | None,
    no_unit_review: float | None,
    since: str | None,
    share: float | None,
    columns: dict[str, str],
    encoding: str | None,
    sheet: str | None,
    by: str,
    *,
    hold_all: bool,
    dry_run: bool,
    rolled_back: bool,
    as_json: bool,
) -> None:
    """Set the threshold of version NAME anew, from tickets that people decided.

    Nothing is trained. The tickets are those of the blind sample (PAIDAN_REVIEW_SAMPLE): they were
    drawn by chance, so they are like the stream. Or they are the rows of a labelled file.
    """
    if file is not None and (since is not None or share is not None):
        raise click.UsageError("--since and --share choose decided tickets, not rows of a file")
    settings = get_settings()
    with opened_database(settings) as database:
        name, made_at = _version(database, name)
        if rolled_back:
            _roll_back(database, name, by, as_json=as_json)
            return
        if file is not None:
            samples = read_labelled(database, file, columns, encoding, sheet=sheet).samples
            tickets = _Tickets(samples, {"source": "file"})
        else:
            moment = read_moment("--since", since, ZoneInfo(settings.timezone)) or made_at
            share = settings.review_sample if share is None else share
            tickets = _decided_tickets(database, share, moment)
        done = _calibrate(database, settings, name, tickets.samples, error_target, no_unit_review)
        if done.needed is not None and not hold_all:
            raise InputError(why_too_few(name, done, len(tickets.samples)))
        facts = tickets.facts | {"tickets": len(tickets.samples), "unlearned": done.unlearned}
        number = None if dry_run else _put(database, name, done, facts, by)
    if as_json:
        print_json(report_json(name, done, facts, number))
    else:
        print_recalibration(name, done, facts, number)


def _roll_back(database: "Database", name: str, by: str, *, as_json: bool) -> None:
    from db import calibrations

    with database.writing() as session:
        moved = calibrations.rollback(session, name, actor=by)
    if as_json:
        print_json({"version": name, "before": moved.before, "now": moved.now})
    else:
        now = f"calibration {moved.now}" if moved.now else "the calibration that it was made with"
        click.echo(f"{name} decides by {now} again, and not by calibration {moved.before}")


def _version(database: "Database", word: str) -> tuple[str, datetime]:
    """Return which version a name or an alias stands for, and when it was registered.

    Raises:
        ModelVersionError: there is no such version.
    """
    from db import versions

    with database.reading() as session:
        found = versions.get_version(session, versions.named(session, word))
        return found.name, found.created_at


def _decided_tickets(database: "Database", share: float, since: datetime) -> _Tickets:
    """Return the decided tickets of the blind sample; tell what is left out.

    Raises:
        InputError: there is none.
    """
    from training.drawn import drawn_samples

    with database.reading() as session:
        drawn = drawn_samples(session, share, since)
    tell_left_out(drawn, since)
    if not drawn.samples:
        raise InputError(
            f"no decided ticket is of the blind sample ({share:.1%} of all): set "
            "PAIDAN_REVIEW_SAMPLE, such as to 0.05, and let people decide what it sends to review; "
            "or name a file of labelled tickets with --data"
        )
    facts = {"source": "decided", "share": share, "since": since.isoformat()}
    return _Tickets(
        list(drawn.samples), {**facts, **drawn.counts, "left_out": dict(drawn.left_out)}
    )


def _calibrate(
    database: "Database",
    settings: Settings,
    name: str,
    samples: "list[Sample]",
    error_target: float | None,
    no_unit_review: float | None,
) -> "Recalibration":
    """Load the version and calibrate it; what is not named stays as the version has it."""
    from classifier.loading import Options
    from classifier.raw_scores import tells_scores
    from db import taxonomy
    from registry.opening import load_version
    from training.recalibration import recalibrate as calibrate

    classifier = load_version(database, name, settings.resolved_models_dir, Options.of(settings))
    if not tells_scores(classifier):
        raise ModelVersionError(
            f"model version {name} is of kind {classifier.kind}: all its answers are alike, so "
            "there is nothing to calibrate"
        )
    with database.reading() as session:
        units = frozenset(u.code for u in taxonomy.list_units(session, active_only=True))
    old = classifier.calibration
    review = old.no_unit.review if old.no_unit else 0.0
    return calibrate(
        classifier,
        samples,
        units,
        error_target=old.error_target if error_target is None else error_target,
        no_unit_review=review if no_unit_review is None else no_unit_review,
    )


def _put(
    database: "Database", name: str, done: "Recalibration", facts: dict[str, Any], by: str
) -> int | None:
    from db import calibrations

    content = done.calibration.model_dump(mode="json")
    with database.writing() as session:
        return calibrations.put(session, name, content, facts, actor=by).now


COMMANDS = (recalibrate,)
