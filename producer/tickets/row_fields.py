"""The values of one row by field, each read as what its field holds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from core.broker import LANES
from core.names import is_blank
from db.models import LEAST, ROUTINE, URGENT
from producer.files.rows import Row
from producer.tickets.checks import MAX_NAME_CHARS
from producer.tickets.ids import RuinedIdError, read_id, unwrapped
from producer.tickets.meta import read_meta
from producer.tickets.options import ReadOptions
from producer.tickets.outcome import Note
from producer.tickets.priorities import read_priority
from producer.tickets.scalars import FieldError, check_scalar
from producer.tickets.times.reader import TwoTimesError, UnreadTimeError, read_time


class RowFields:
    """A row's values by field, and the notes on them.

    Every method raises ``FieldError`` for a value that its field cannot take.

    Args:
        row: what the file holds.
        names: field to column name.
        options: how to read the values.
        zone: of times that name none.
    """

    def __init__(
        self, row: Row, names: Mapping[str, str], options: ReadOptions, zone: ZoneInfo
    ) -> None:
        self.row = row
        self.names = names
        self.options = options
        self.zone = zone
        self.notes = [Note(row.line, "", kind) for kind in row.notes]
        self._unread: set[str] = set()  # columns whose time goes to meta

    def value(self, field: str) -> Any:
        """Return a field's value as the file has it, None where it has none."""
        return self.row.values.get(self.names[field])

    def text(self, field: str, limit: int = MAX_NAME_CHARS) -> str | None:
        """Return stripped text, None for nothing."""
        value = self.value(field)
        if value is None:
            return None
        if isinstance(value, bool | list | dict):
            raise FieldError(field, f"a {type(value).__name__} where text is expected")
        check_scalar(field, value)
        text = str(value).strip()
        if len(text) > limit:
            raise FieldError(field, f"{len(text):,} characters; at most {limit:,} are taken")
        return text or None

    def name(self, field: str, limit: int = MAX_NAME_CHARS) -> str | None:
        """Return a short text; NULL, - and the like are none."""
        text = self.text(field, limit)
        plain = None if text is None else unwrapped(text)
        return None if plain is None or is_blank(plain) else plain

    def external_id(self) -> str | None:
        """Return the id, None where the row has none; one that a spreadsheet ruined is refused."""
        try:
            found, kind = read_id(self.text("external_id"))
        except RuinedIdError as error:
            raise FieldError("external_id", str(error)) from error
        if kind is not None:
            self.notes.append(Note(self.row.line, "external_id", kind))
        return found

    def lane(self) -> str:
        """Return the row's lane, or the options' one."""
        text = self.text("lane")
        if text is None:
            return self.options.lane
        if text not in LANES:
            raise FieldError("lane", f"{text!r} is no lane; lanes are {' and '.join(LANES)}")
        return text

    def priority(self) -> int:
        """Return the priority, 1 (urgent) to 5 (can wait)."""
        text = self.name("priority")
        number = ROUTINE if text is None else read_priority(text)
        if number is None:
            raise FieldError(
                "priority",
                f"{text!r} is none of {URGENT} (urgent) to {LEAST} (can wait), and no word such "
                "as 紧急, 高, 普通, 低, urgent, high, normal or low",
            )
        return number

    def time(self, field: str) -> datetime | None:
        """Return a time; one that cannot be read is left to meta, unless the options are strict."""
        value = self.value(field)
        if isinstance(value, str):
            check_scalar(field, value)
        try:
            return read_time(value, self.zone, self.options.time_formats)
        except UnreadTimeError as error:
            if self.options.strict:
                raise FieldError(field, str(error)) from error
            two = isinstance(error, TwoTimesError)
            why = "may name the day or the month first" if two else "is no time Paidan reads"
            kind = f"{field} {why} (name its form with --time-format); it is kept in meta"
            self.notes.append(Note(self.row.line, field, kind, str(error)))
            self._unread.add(self.names[field])
            return None

    def meta(self) -> dict[str, Any]:
        """Return the meta object with what belongs to no field, or could not be read as its field.

        To be called behind ``time``, which says what could not be read.
        """
        fields = set(self.names.values()) - self._unread
        rest = {column: cell for column, cell in self.row.values.items() if column not in fields}
        return read_meta(self.value("meta"), rest)
