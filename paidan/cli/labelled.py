"""Reads files of labelled tickets: the text a model sees, and the unit that the label names."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from core.errors import InputError
from core.settings import get_settings
from paidan.cli.labels import Labels, read_labels, shortened
from paidan.cli.notes import Notes
from paidan.cli.ticket_file import read_file

if TYPE_CHECKING:
    from db import Database
    from db.taxonomy import UnitRecord
    from db.tickets import NewTicket
    from producer.tickets.outcome import Reject
    from training.samples import Sample

_SHOWN = 5
# Who decided, in a row of our own export; another file's rows are people's.
_PERSON = "person"
_NO_PERSON = ("", None, "model")


class _Row(NamedTuple):
    """A row with a text and a label."""

    line: int
    text: str
    label: str
    thought: str


@dataclass(frozen=True, slots=True)
class Labelled:
    """A file's samples, and the units that their labels name and nobody has entered yet."""

    samples: "list[Sample]"
    new_units: "list[UnitRecord]"


def read_labelled(
    database: "Database",
    file: Path,
    columns: dict[str, str],
    encoding: str | None,
    *,
    sheet: str | None = None,
    new_units: bool = False,
) -> Labelled:
    """Read a file's tickets with the units their labels name; nothing is written.

    Args:
        database: the record, for its units.
        file: the labelled tickets.
        columns: field to column name, where they differ.
        encoding: of the file, None to recognise it.
        sheet: of a workbook, None for the first with rows.
        new_units: take a label that names no unit for a new one.

    Raises:
        InputError: no row can be used, or a label is unknown or unclear.
    """
    rows = _read_rows(file, columns, encoding, sheet)
    with database.reading() as session:
        labels = read_labels(session, Counter(row.label for row in rows), new_units=new_units)
    _tell_left_out(
        file, [row for row in rows if row.label in labels.blank], "their label names no unit"
    )
    _tell_left_out(
        file,
        [row for row in rows if row.label in labels.gone],
        "their unit was retired or split, and nobody knows whose they are now",
    )
    samples = _samples(file, rows, labels)
    if not samples:
        raise InputError(_nothing(file))
    return Labelled(samples, labels.new)


def _tell_left_out(file: Path, rows: Sequence[_Row], why: str) -> None:
    if rows:
        names = shortened(sorted({row.label for row in rows}))
        click.echo(
            f"note: {file}: {len(rows):,} rows are left out, because {why} "
            f"({names}; first line {rows[0].line})",
            err=True,
        )


def _samples(file: Path, rows: Sequence[_Row], labels: Labels) -> "list[Sample]":
    from training.samples import Sample

    samples = []
    for row in rows:
        if row.label in labels.blank or row.label in labels.gone:
            continue
        if row.label not in labels.codes:
            raise InputError(
                f"{file}, line {row.line}, unit: {labels.why[row.label]}; correct the label, or "
                "import the unit with 'paidan units import'"
            )
        unit = labels.codes[row.label]
        samples.append(Sample(row.text, unit, row.thought, source=f"line {row.line}"))
    return samples


def _read_rows(
    file: Path, columns: dict[str, str], encoding: str | None, sheet: str | None
) -> list[_Row]:
    """Read the rows that have a text and a label; tell which are left out."""
    from producer.tickets.options import ReadOptions

    rows: list[_Row] = []
    left_out = 0
    options = ReadOptions(columns=columns, max_chars=get_settings().max_ticket_chars)
    notes = Notes(file)
    for line, item in read_file(file, options, encoding, sheet, notes):
        row = _row(line, item)
        if isinstance(row, _Row):
            rows.append(row)
            continue
        left_out += 1
        if left_out <= _SHOWN:
            click.echo(f"left out: {file}, line {line}, {row}", err=True)
    notes.report()
    if left_out:
        click.echo(f"{left_out:,} rows were left out", err=True)
    if not rows:
        raise InputError(_nothing(file))
    return rows


def _row(line: int, item: "NewTicket | Reject") -> _Row | str:
    """Return the row, or the field for which it is left out, and why."""
    from core.privacy import mask
    from core.text import model_text
    from db.export_row import DECIDED_BY
    from producer.tickets.columns import THOUGHT
    from producer.tickets.outcome import Reject

    if isinstance(item, Reject):
        return f"{item.field}: {item.reason}"
    if item.unit is None:
        return "unit: no unit is named"
    if item.meta.get(DECIDED_BY, _PERSON) in _NO_PERSON:
        return "unit: the model's own answer: no person has decided it"
    thought = mask(str(item.meta.get(THOUGHT) or ""))
    return _Row(line, model_text(item.title, item.text), item.unit, thought)


def _nothing(file: Path) -> str:
    return (
        f"{file}: no row has both a text and a unit; name their columns with --column "
        "text=NAME --column unit=NAME"
    )
