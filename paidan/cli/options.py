"""Options and helpers that several commands share."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import InputError
from core.files import fitting_name, open_as_its_folder, private_folder
from core.settings import Settings
from paidan.cli.notes import Notes

if TYPE_CHECKING:
    from db import Database
    from db.tickets import NewTicket
    from producer.tickets.options import ReadOptions
    from producer.tickets.outcome import Reject

FILE = click.argument("file", type=click.Path(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
SOURCE = click.option(
    "--source",
    default="file",
    show_default=True,
    help="Who sends the tickets; ids are unique in it.",
)
ENCODING = click.option(
    "--encoding", help="The file's encoding, such as gb18030 or big5 [default: found by evidence]."
)
SHEET = click.option("--sheet", help="The sheet of a workbook [default: the first with rows].")


def _person(_context: click.Context, _option: click.Parameter, name: str) -> str:
    if not name.strip() or not name.isprintable() or len(name) > _MAX_PERSON_CHARS:
        raise click.BadParameter(f"a name of 1 to {_MAX_PERSON_CHARS} characters is expected")
    return name


BY = click.option(
    "--by",
    default="cli",
    show_default=True,
    callback=_person,
    help="Who does this, for the record.",
)


REJECTS = click.option(
    "--rejects",
    type=click.Path(path_type=Path),
    help="Where refused rows go [default: PAIDAN_HOME/rejects/].",
)

# As the record's columns hold it.
_MAX_PERSON_CHARS = 200
# Exit code: done, but part of the input was refused, or a ticket died.
PARTLY = 3


def _columns(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    for field, sign, column in pairs:
        if not sign or not field or not column:
            raise click.BadParameter("use FIELD=COLUMN, such as text=诉求内容")
    return {field: column for field, _, column in pairs}


COLUMN = click.option(
    "--column",
    "columns",
    multiple=True,
    callback=_columns,
    metavar="FIELD=COLUMN",
    help="A column under another name; may be repeated.",
)


@contextmanager
def hint_of_missing(extra: str) -> Iterator[None]:
    """Name the extra to install where one of its libraries is missing.

    Raises:
        InputError: one is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(
            f"this needs {error.name}, which is not installed: pip install 'paidan[{extra}]'"
        ) from error


@contextmanager
def opened_database(settings: Settings) -> "Iterator[Database]":
    """Open the configured database for a block, and close its connections behind it.

    Raises:
        DatabaseUnavailableError, StorageError: as ``db.open_database`` does.
    """
    from db import open_database

    database = open_database(settings)
    try:
        yield database
    finally:
        database.engine.dispose()


def print_json(value: Any) -> None:
    """Print one JSON document on one line."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def read_file(
    file: Path,
    options: "ReadOptions",
    encoding: str | None,
    sheet: str | None = None,
    notes: Notes | None = None,
) -> "Iterator[tuple[int, NewTicket | Reject]]":
    """Read a ticket file; errors name the file, and ``notes`` takes what is to be said of rows.

    Raises:
        InputError: it cannot be read at all, or holds no row.
    """
    from paidan.cli.inert import as_stored
    from producer.files.reader import read_rows
    from producer.tickets.columns import check_columns, columns_used
    from producer.tickets.reader import read_tickets

    columns = options.columns or {}
    check_columns(columns)
    asked = [] if notes is None else [notes.take]
    empty = True
    rows = map(
        as_stored, read_rows(file, encoding=encoding, sheet=sheet, used=columns_used(columns))
    )
    try:
        for item in read_tickets(rows, options, *asked):
            empty = False
            yield item
    except InputError as error:
        message = str(error)
        raise InputError(message if str(file) in message else f"{file}, {message}") from error
    if empty:
        raise InputError(f"{file}: there is no row in it")


def default_rejects(settings: Settings, file: Path) -> Path:
    """Return the place for refused rows of a file, its own for each run."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    name = fitting_name(file.stem, f"-{stamp}-{os.getpid()}.jsonl")
    return settings.resolved_home / "rejects" / name


class Rejects:
    """Counts refused rows, shows the first ones and writes all of them to a JSONL file.

    Args:
        file: the input, for messages.
        target: where to write; made with the first refused row.
    """

    _SHOWN = 5

    def __init__(self, file: Path, target: Path) -> None:
        self.file = file
        self.target = target
        self.count = 0

    def add(self, line: int, field: str, reason: str, row: Mapping[str, Any]) -> None:
        """Take down one row."""
        self.count += 1
        place = f"{self.file}, line {line}" + (f", {field}" if field else "")
        if self.count <= self._SHOWN:
            click.echo(f"refused: {place}: {reason}", err=True)
        record = {
            "file": str(self.file),
            "line": line,
            "field": field,
            "reason": reason,
            "row": row,
        }
        try:
            private_folder(self.target.parent)
            mode = "w" if self.count == 1 else "a"
            with open(self.target, mode, encoding="utf-8", opener=open_as_its_folder) as stream:
                text = json.dumps(record, ensure_ascii=False, default=str)
                stream.write(text.encode("utf-8", "backslashreplace").decode() + "\n")
        except OSError as error:
            raise InputError(
                f"{place}: {reason}; and {self.target} cannot be written ({error.strerror}): name "
                "another place with --rejects"
            ) from error

    def report(self) -> None:
        """Say how many rows were refused and where they are."""
        if self.count:
            click.echo(f"rows refused: {self.count:,}; they are in {self.target}", err=True)
