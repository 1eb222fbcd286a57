"""Options and helpers that several commands share."""

import importlib.util
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from core.errors import InputError, StorageError
from core.settings import Settings

if TYPE_CHECKING:
    from db import Database

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


class Share(click.FloatRange):
    """A share, 0 to 1. Click's own range has room for what is no number."""

    def __init__(self, *, min_open: bool = False) -> None:
        super().__init__(0, 1, min_open=min_open)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return a number within the range.

        Raises:
            click.BadParameter: it is none, or outside.
        """
        share = float(super().convert(value, param, ctx))
        if math.isnan(share):
            self.fail(f"{value!r} is no number", param, ctx)
        return share


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

# As the record's columns hold them.
_LARGEST_ID = 2**63 - 1
RUN = click.argument("run_id", metavar="RUN", type=click.IntRange(1, _LARGEST_ID))
LIMIT = click.IntRange(1, 1_000_000)  # rows of a list
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


def look_for(*libraries: str) -> None:
    """Find out whether libraries are installed, without the seconds that importing them takes.

    Raises:
        ModuleNotFoundError: as importing the first that is missing would.
    """
    for name in libraries:
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@contextmanager
def explained(file: Path) -> "Iterator[None]":
    """Turn a fault of the disk, where a user's file is written, into an error that says what to do.

    Raises:
        StorageError: there was one.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{file} cannot be written: {error.strerror or error}; free space there, or name "
            "another file"
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


def read_moment(
    option: str, text: str | None, zone: ZoneInfo, *, after_date: bool = False
) -> datetime | None:
    """Read a date or a time; a date alone means its beginning, or with ``after_date`` its end."""
    if text is None:
        return None
    try:
        if len(text) <= len("2026-03-01"):
            day = date.fromisoformat(text) + timedelta(days=after_date)
            return datetime.combine(day, time(), zone)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(
            f"{text!r} is no time such as 2026-03-01 or 2026-03-01T09:30", param_hint=option
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def print_json(value: Any) -> None:
    """Print one JSON document on one line."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))
