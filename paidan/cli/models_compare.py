"""``paidan models compare``: two versions on the same labelled tickets."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.errors import InputError
from core.settings import Settings, get_settings
from core.whole import replacing
from paidan.cli.comparison_page import comparison_page
from paidan.cli.labelled import read_labelled
from paidan.cli.options import (
    COLUMN,
    ENCODING,
    JSON,
    SHEET,
    explained,
    opened_database,
    print_json,
)

if TYPE_CHECKING:
    from db import Database
    from training.contrast.confusion import Confusion
    from training.contrast.contrast import Contrast
    from training.contrast.measures import Difference
    from training.samples import Sample

_SHOWN = 10


@click.command()
@click.argument("first")
@click.argument("second")
@click.option(
    "--data",
    "file",
    type=click.Path(path_type=Path),
    help="Labelled tickets [default: decided ones that neither version learned].",
)
@COLUMN
@ENCODING
@SHEET
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page with plots to this file, too.",
)
@JSON
def compare(
    first: str,
    second: str,
    file: Path | None,
    columns: dict[str, str],
    encoding: str | None,
    sheet: str | None,
    html: Path | None,
    *,
    as_json: bool,
) -> None:
    """Compare version FIRST with SECOND: figures with intervals, units, and confused pairs."""
    from db import taxonomy, versions

    settings = get_settings()
    with opened_database(settings) as database:
        with database.reading() as session:
            names = [versions.named(session, word) for word in (first, second)]
            units = {u.code: u.name for u in taxonomy.list_units(session, active_only=True)}
        if file is None:
            samples, source = _unlearned(database, settings, names)
        else:
            samples = read_labelled(database, file, columns, encoding, sheet=sheet).samples
            source = str(file)
        found = _contrast(database, settings, names, samples, frozenset(units))
    if html is not None:
        page = comparison_page(found, units, source)
        with explained(html), replacing(html) as unfinished:
            unfinished.write_text(page, "utf-8", errors="replace")
    if as_json:
        print_json(_facts(found, source))
        return
    for line in _lines(found, units, source):
        click.echo(line)


def _unlearned(
    database: "Database", settings: Settings, names: Sequence[str]
) -> "tuple[list[Sample], str]":
    """Return decided tickets that no version learned, and where they are from.

    Raises:
        InputError: there are none.
    """
    from classifier.version_files import read_manifest
    from db import versions
    from training.contrast.tickets import unlearned_samples

    folder = settings.resolved_models_dir
    with database.reading() as session:
        there = [versions.present_version(session, name).name for name in names]
        manifests = [read_manifest(folder / name, verify=False) for name in there]
        samples, source = unlearned_samples(session, folder, manifests)
    if not samples:
        raise InputError(
            f"there is nothing to compare on: no {source}; name labelled tickets with --data FILE"
        )
    return samples, source


def _contrast(
    database: "Database",
    settings: Settings,
    names: Sequence[str],
    samples: "Sequence[Sample]",
    allowed: frozenset[str],
) -> "Contrast":
    from classifier.loading import Options
    from registry.opening import load_version
    from training.contrast.contrast import contrast

    options, folder = Options.of(settings), settings.resolved_models_dir
    one, other = (load_version(database, name, folder, options) for name in names)
    return contrast(one, other, samples, allowed)


def _facts(found: "Contrast", source: str) -> dict[str, object]:
    from dataclasses import asdict

    both, first, second, neither = found.outcomes
    return {
        "versions": found.versions,
        "source": source,
        "tickets": found.n,
        "groups": found.groups,
        "measures": [asdict(one) for one in found.differences],
        "right": {"both": both, "first": first, "second": second, "neither": neither},
        "units": {
            code: [
                asdict(report.per_unit[code]) if code in report.per_unit else None
                for report in found.reports
            ]
            for code in found.units
        },
        "confusions": [asdict(pair) for pair in found.pairs],
    }


def _lines(found: "Contrast", units: Mapping[str, str], source: str) -> Iterator[str]:
    """Yield the report for people; ``units`` are names by code."""
    from training.contrast.confusion import most_changed, most_of

    yield f"first   {found.versions[0]}"
    yield f"second  {found.versions[1]}"
    yield f"{found.n:,} tickets in {found.groups:,} groups of near-duplicates: {source}\n"
    yield f"{'':18}{'first':>9}{'second':>9}{'change':>9}  95 % interval"
    yield from map(_measure_line, found.differences)
    both, first, second, neither = found.outcomes
    alone = f"first alone {first:,}, second alone {second:,}"
    yield f"\nright: both {both:,}, {alone}, neither {neither:,}\n"
    yield "F1: first second  change  tickets  unit"
    yield from (_unit_line(found, code, units) for code in found.units)
    for title, pairs in (
        ("that changed most", most_changed(found.pairs, _SHOWN)),
        ("most often by the first", most_of(found.pairs, 0, _SHOWN)),
        ("most often by the second", most_of(found.pairs, 1, _SHOWN)),
    ):
        yield f"\nconfused: first second  ({title})"
        yield from (_pair_line(pair, units) for pair in pairs)


def _measure_line(one: "Difference") -> str:
    first, second = ("-" if v is None else f"{v:.4f}" for v in (one.first, one.second))
    line = f"{one.name:18}{first:>9}{second:>9}"
    if one.difference is None or one.interval is None:
        return line
    return f"{line}{one.difference:>+9.4f}  {one.interval[0]:+.4f} to {one.interval[1]:+.4f}"


def _unit_line(found: "Contrast", code: str, units: Mapping[str, str]) -> str:
    scores = [report.per_unit.get(code) for report in found.reports]
    first, second = (one.f1 if one else 0.0 for one in scores)
    support = max(one.support for one in scores if one)
    change = second - first
    return f"{first:9.3f} {second:6.3f} {change:+7.3f} {support:8,}  {units.get(code, code)}"


def _pair_line(pair: "Confusion", units: Mapping[str, str]) -> str:
    right, answer = units.get(pair.unit, pair.unit), units.get(pair.answer, pair.answer or "-")
    return f"{pair.first:15,} {pair.second:6,}  {right} -> {answer}"
