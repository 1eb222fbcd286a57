"""Reads files of labelled tickets: the text a model sees, and the unit that the label names."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from core.errors import InputError
from core.names import is_blank_unit, name_key, spelled
from core.settings import get_settings
from paidan.cli.notes import Notes
from paidan.cli.options import read_file

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db import Database
    from db.taxonomy import UnitRecord
    from training.samples import Sample

_SHOWN = 5
# Who decided, in a row of our own export; another file's rows are people's.
_PERSON = "person"
_NO_PERSON = ("", None, "model")


class _Row(NamedTuple):
    line: int
    text: str
    label: str
    thought: str


@dataclass(frozen=True, slots=True)
class Labelled:
    """A file's samples, and the units that their labels name and nobody has entered yet."""

    samples: "list[Sample]"
    new_units: "list[UnitRecord]"


@dataclass(frozen=True, slots=True)
class _Units:
    """What the labels of a file mean.

    Attributes:
        codes: label -> code of the unit it names.
        blank: labels that name none, such as NULL or 待定.
        new: units that are not entered yet.
        why: label -> why it cannot be taken.
    """

    codes: dict[str, str]
    blank: set[str]
    new: "list[UnitRecord]"
    why: dict[str, str]


def shortened(names: Sequence[str]) -> str:
    """Return the first of some names, for a message."""
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


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
        InputError: no row can be used, or a label is unknown, unclear, or of a unit that is gone.
    """
    from training.samples import Sample

    rows = _read_rows(file, columns, encoding, sheet)
    with database.reading() as session:
        units = _units(session, Counter(row.label for row in rows), new_units=new_units)
    blank = [row for row in rows if row.label in units.blank]
    if blank:
        names = shortened(sorted({row.label for row in blank}))
        click.echo(
            f"note: {file}: {len(blank):,} rows are left out, because their label names no unit "
            f"({names}; first line {blank[0].line})",
            err=True,
        )
    samples = []
    for row in rows:
        if row.label in units.blank:
            continue
        if row.label not in units.codes:
            raise InputError(
                f"{file}, line {row.line}, unit: {units.why[row.label]}; correct the label, or "
                "import the unit with 'paidan units import'"
            )
        samples.append(Sample(row.text, units.codes[row.label], row.thought))
    if not samples:
        raise InputError(_nothing(file))
    return Labelled(samples, units.new)


def _units(session: "Session", labels: Counter[str], *, new_units: bool) -> _Units:
    from db import taxonomy

    codes = taxonomy.resolve(session, labels)
    blank = {label for label in labels if label not in codes and is_blank_unit(label)}
    rest = Counter({k: n for k, n in labels.items() if k not in codes and k not in blank})
    new = taxonomy.missing_units(session, rest) if new_units else []
    by_key = {name_key(unit.name): unit.code for unit in new}
    codes |= {label: by_key[name_key(label)] for label in rest if name_key(label) in by_key}
    why = {label: taxonomy.why_unresolved(session, label) for label in rest if label not in codes}
    index = taxonomy.read_index(session)
    _tell_alike(
        f"{spelled(label)} as {spelled(codes[label])}"
        for label in labels
        if label in codes and label != codes[label] and index.exact(label) is None
    )
    for group in index.look_alikes():
        click.echo(
            f"note: units {', '.join(spelled(unit.code) for unit in group)} look alike; see "
            "'paidan units remove --look-alikes'",
            err=True,
        )
    return _Units(codes, blank, new, why)


def _tell_alike(readings: Iterable[str]) -> None:
    alike = sorted(readings)
    if alike:
        click.echo(
            f"note: {len(alike):,} labels are read as the unit they look like: {shortened(alike)}",
            err=True,
        )


def _read_rows(
    file: Path, columns: dict[str, str], encoding: str | None, sheet: str | None
) -> list[_Row]:
    """Read the rows that have a text and a label; tell which are left out."""
    from core.privacy import mask
    from core.text import model_text
    from db.export import DECIDED_BY
    from producer.tickets.columns import THOUGHT
    from producer.tickets.options import ReadOptions
    from producer.tickets.outcome import Reject

    labelled: list[_Row] = []
    left_out = 0
    options = ReadOptions(columns=columns, max_chars=get_settings().max_ticket_chars)
    notes = Notes(file)
    for line, item in read_file(file, options, encoding, sheet, notes):
        if isinstance(item, Reject):
            field, reason = item.field, item.reason
        elif item.unit is None:
            field, reason = "unit", "no unit is named"
        elif item.meta.get(DECIDED_BY, _PERSON) in _NO_PERSON:
            field, reason = "unit", "the model's own answer: no person has decided it"
        else:
            thought = mask(str(item.meta.get(THOUGHT) or ""))
            labelled.append(_Row(line, model_text(item.title, item.text), item.unit, thought))
            continue
        left_out += 1
        if left_out <= _SHOWN:
            click.echo(f"left out: {file}, line {line}, {field}: {reason}", err=True)
    notes.report()
    if left_out:
        click.echo(f"{left_out:,} rows were left out", err=True)
    if not labelled:
        raise InputError(_nothing(file))
    return labelled


def _nothing(file: Path) -> str:
    return (
        f"{file}: no row has both a text and a unit; name their columns with --column "
        "text=NAME --column unit=NAME"
    )
