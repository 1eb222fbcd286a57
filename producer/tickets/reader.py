"""From a row to a ticket: which columns mean what, and why a row is refused."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from core.broker import BULK, LANES
from core.names import is_blank
from db.models import LEAST, ROUTINE, URGENT
from db.tickets import NewTicket
from producer.files.reader import Row
from producer.tickets.checks import FieldError as _FieldError
from producer.tickets.checks import check_meta as _check_meta
from producer.tickets.checks import check_scalar as _check_scalar
from producer.tickets.columns import column_names, with_columns
from producer.tickets.ids import RuinedIdError, read_id, unwrapped
from producer.tickets.priorities import read_priority
from producer.tickets.times.reader import TwoTimesError, UnreadTimeError, read_time

THOUGHT = "Complex_CoT"
_MAX_NAME_CHARS = 200
_MAX_SOURCE_CHARS = 100


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is no ticket: where it stands, which field is wrong and why."""

    line: int
    field: str
    reason: str
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Remark:
    """What a person should know of a row that was taken.

    Attributes:
        line: where the row begins.
        field: the field it is about, "" for the whole row.
        kind: what happened, the same for all rows it happened to; it holds no value of the row.
        detail: what is wrong in this row, for a person at a terminal: it may quote a value.
    """

    line: int
    field: str
    kind: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read rows as tickets.

    Attributes:
        source: who sends them; external ids are unique within it.
        columns: field to column name, where they differ.
        lane: the lane of rows that name none.
        timezone: of times that name none.
        max_chars: longer tickets are refused.
        time_formats: ``strptime`` formats that go before those of ``producer.tickets.times``.
        strict: refuse a row for a time that cannot be read, instead of keeping it in meta.
    """

    source: str = "file"
    columns: Mapping[str, str] | None = None
    lane: str = BULK
    timezone: str = "Asia/Shanghai"
    max_chars: int = 50_000
    time_formats: Sequence[str] = ()
    strict: bool = False


def read_tickets(
    rows: Iterable[Row], reading: Reading, remark: Callable[[Remark], object] = lambda remark: None
) -> Iterator[tuple[int, NewTicket | Rejected]]:
    """Turn rows into tickets, each with its line, or into what is wrong with them.

    A row without an external id gets one from the hash of its text and, for equal texts, its
    number among them: reading the same file again gives the same ids.

    Args:
        rows: of one file.
        reading: how to read them.
        remark: is told what was done to a row that was taken, before the row is yielded.

    Raises:
        InputError: the first rows have no column that could be the text, or lack one that
            ``reading`` names.
    """
    named = reading.columns or {}
    zone = ZoneInfo(reading.timezone)
    seen: Counter[bytes] = Counter()
    for row in with_columns(rows, named):
        if row.problem is not None:
            yield row.line, Rejected(row.line, "", row.problem, row.values)
            continue
        fields = _Fields(row, column_names(row.values, named), reading, zone)
        try:
            ticket = _ticket(fields, seen)
        except _FieldError as error:
            yield row.line, Rejected(row.line, error.field, str(error), row.values)
            continue
        for kind in row.notes:
            remark(Remark(row.line, "", kind))
        for told in fields.remarks:
            remark(told)
        yield row.line, ticket


class _Fields:
    """A row's values by field, and what there is to remark on them."""

    def __init__(
        self, row: Row, names: Mapping[str, str], reading: Reading, zone: ZoneInfo
    ) -> None:
        self.row = row
        self.names = names
        self.reading = reading
        self.zone = zone
        self.remarks: list[Remark] = []
        self.unread: set[str] = set()

    def value(self, field: str) -> Any:
        """Return a field's value as the file has it, None where it has none."""
        return self.row.values.get(self.names[field])

    def text(self, field: str, limit: int = _MAX_NAME_CHARS) -> str | None:
        """Return stripped text, None for nothing."""
        return _clean(field, self.value(field), limit)

    def name(self, field: str, limit: int = _MAX_NAME_CHARS) -> str | None:
        """Return a short text; NULL, - and the like are none."""
        text = self.text(field, limit)
        plain = None if text is None else unwrapped(text)
        return None if plain is None or is_blank(plain) else plain

    def external_id(self) -> str | None:
        """Return the id, None where the row has none.

        Raises:
            _FieldError: a spreadsheet has ruined it.
        """
        try:
            found, note = read_id(self.text("external_id"))
        except RuinedIdError as error:
            raise _FieldError("external_id", str(error)) from error
        if note is not None:
            self.remarks.append(Remark(self.row.line, "external_id", note))
        return found

    def time(self, field: str) -> datetime | None:
        """Return a time; one that cannot be read is left to meta, unless the reading is strict."""
        value = self.value(field)
        if isinstance(value, str):
            _check_scalar(field, value)
        try:
            return read_time(value, self.zone, self.reading.time_formats)
        except UnreadTimeError as error:
            if self.reading.strict:
                raise _FieldError(field, str(error)) from error
            two = isinstance(error, TwoTimesError)
            why = "may name the day or the month first" if two else "is no time Paidan reads"
            kind = f"{field} {why} (name its form with --time-format); it is kept in meta"
            self.remarks.append(Remark(self.row.line, field, kind, str(error)))
            self.unread.add(self.names[field])
            return None

    def rest(self) -> dict[str, Any]:
        """Return what belongs to no field, or could not be read as its field."""
        fields = set(self.names.values()) - self.unread
        return {k: _for_json(v) for k, v in self.row.values.items() if k not in fields}


def _ticket(fields: _Fields, seen: Counter[bytes]) -> NewTicket:
    reading = fields.reading
    title = fields.text("title", reading.max_chars)
    text = fields.text("text", reading.max_chars) or title
    if text is None:
        raise _FieldError("text", "the text is missing or blank")
    return NewTicket(
        source=fields.name("source", _MAX_SOURCE_CHARS) or reading.source,
        external_id=fields.external_id() or _numbered_hash(title, text, seen),
        title=title,
        text=text,
        received_at=fields.time("received_at"),
        lane=_lane(fields.value("lane"), reading.lane),
        priority=_priority(fields.name("priority")),
        due_at=fields.time("due_at"),
        district=fields.name("district"),
        unit=fields.text("unit"),  # a unit may be named 无: who reads it asks the taxonomy
        meta=_meta(fields.value("meta"), fields.rest()),
    )


def _clean(field: str, value: Any, limit: int) -> str | None:
    """Return stripped text, None for nothing; refuse what no database can hold."""
    if value is None:
        return None
    if isinstance(value, bool | list | dict):
        raise _FieldError(field, f"a {type(value).__name__} where text is expected")
    _check_scalar(field, value)
    text = str(value).strip()
    if len(text) > limit:
        raise _FieldError(field, f"{len(text):,} characters; at most {limit:,} are taken")
    return text or None


def _numbered_hash(title: str | None, text: str, seen: Counter[bytes]) -> str:
    digest = hashlib.sha256(f"{title or ''}\n{text}".encode()).digest()[:12]
    seen[digest] += 1
    number = seen[digest]
    return digest.hex() if number == 1 else f"{digest.hex()}-{number}"


def _lane(value: Any, default: str) -> str:
    text = _clean("lane", value, _MAX_NAME_CHARS)
    if text is None:
        return default
    if text not in LANES:
        raise _FieldError("lane", f"{text!r} is no lane; lanes are {' and '.join(LANES)}")
    return text


def _priority(text: str | None) -> int:
    number = ROUTINE if text is None else read_priority(text)
    if number is None:
        raise _FieldError(
            "priority",
            f"{text!r} is none of {URGENT} (urgent) to {LEAST} (can wait), and no word such as "
            "紧急, 高, 普通, 低, urgent, high, normal or low",
        )
    return number


def _for_json(value: Any) -> Any:
    """Return a spreadsheet's dates as text."""
    return value.isoformat() if isinstance(value, date | time) else value


def _meta(value: Any, rest: dict[str, Any]) -> dict[str, Any]:
    """Keep the meta object as it is, with the columns nobody asked for beside it."""
    if value is None or value == "":
        value = {}
    if isinstance(value, str):  # as the export writes it into a table
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise _FieldError("meta", "an object is expected") from error
    if not isinstance(value, dict):
        raise _FieldError("meta", "an object is expected")
    meta = {**rest, **value}
    _check_meta(meta)
    return meta
