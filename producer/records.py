"""From a row to a ticket: which columns mean what, and why a row is refused."""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from db.models import LEAST, ROUTINE, URGENT
from db.tickets import NewTicket
from paidan.broker import BULK, LANES
from paidan.errors import InputError
from producer.readers import Row

FIELDS = (
    "source",
    "external_id",
    "title",
    "text",
    "received_at",
    "lane",
    "priority",
    "due_at",
    "district",
    "unit",
    "meta",
)
# The article's schema. Its thought belongs to training, so it travels in meta.
_ARTICLE = {"text": "Question", "unit": "Response"}
THOUGHT = "Complex_CoT"
_MAX_NAME_CHARS = 200
_MAX_SOURCE_CHARS = 100
_MAX_META_DEPTH = 50
# Systems write years such as 1 or 9999 for "none", which overflow in another time zone.
_FIRST_YEAR, _LAST_YEAR = 1900, 9998
_SURROGATE = re.compile("[\ud800-\udfff]")
_TIME_FORMATS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
    "%Y年%m月%d日",
)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is no ticket: where it stands, which field is wrong and why."""

    line: int
    field: str
    reason: str
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read rows as tickets.

    Attributes:
        source: who sends them; external ids are unique within it.
        columns: field to column name, where they differ.
        lane: the lane of rows that name none.
        timezone: of times that name none.
        max_chars: longer tickets are refused.
    """

    source: str = "file"
    columns: Mapping[str, str] | None = None
    lane: str = BULK
    timezone: str = "Asia/Shanghai"
    max_chars: int = 50_000


def check_columns(columns: Mapping[str, str]) -> None:
    """Check a mapping of fields to columns given by a user.

    Raises:
        InputError: a field Paidan does not have.
    """
    for name in columns:
        if name not in FIELDS:
            raise InputError(
                f"--column {name}=…: there is no field {name!r}; fields: {', '.join(FIELDS)}"
            )


def columns_used(columns: Mapping[str, str]) -> set[str]:
    """Return the names under which columns are used as fields."""
    own = {name for name in FIELDS if name not in columns}
    return own | set(columns.values()) | {_ARTICLE[name] for name in _ARTICLE if name in own}


def read_tickets(
    rows: Iterable[Row], reading: Reading
) -> Iterator[tuple[int, NewTicket | Rejected]]:
    """Turn rows into tickets, each with its line, or into what is wrong with them.

    A row without an external id gets one from the hash of its text and, for equal texts, its
    number among them: reading the same file again gives the same ids.

    Raises:
        InputError: the first row has no column that could be the text.
    """
    zone = ZoneInfo(reading.timezone)
    seen: Counter[bytes] = Counter()
    checked = False
    for row in rows:
        if row.problem is not None:
            yield row.line, Rejected(row.line, "", row.problem, row.values)
            continue
        names = _column_names(row.values, reading.columns or {})
        if not checked and names["text"] not in row.values:
            raise InputError(_no_text_column(row, names["text"]))
        checked = True
        try:
            yield row.line, _ticket(row.values, names, reading, zone, seen)
        except _FieldError as error:
            yield row.line, Rejected(row.line, error.field, str(error), row.values)


def _no_text_column(row: Row, wanted: str) -> str:
    return (
        f"line {row.line}: no column {wanted!r} among {', '.join(map(repr, row.values))}. Expected "
        "are external_id, title, text, … or Question, Complex_CoT, Response; name another column "
        "with --column text=NAME"
    )


class _FieldError(ValueError):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def _column_names(values: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, str]:
    """Return each field's column: as the user says, else by its own name, else the article's."""
    article = "text" not in values and "Question" in values
    own = {name: _ARTICLE.get(name, name) if article else name for name in FIELDS}
    return {**own, **columns}


def _ticket(
    values: Mapping[str, Any],
    names: Mapping[str, str],
    reading: Reading,
    zone: ZoneInfo,
    seen: Counter[bytes],
) -> NewTicket:
    def text_of(field: str, limit: int = _MAX_NAME_CHARS) -> str | None:
        return _clean(field, values.get(names[field]), limit)

    title = text_of("title", reading.max_chars)
    text = text_of("text", reading.max_chars) or title
    if text is None:
        raise _FieldError("text", "the text is missing or blank")
    known = set(names.values())
    return NewTicket(
        source=text_of("source", _MAX_SOURCE_CHARS) or reading.source,
        external_id=text_of("external_id") or _numbered_hash(title, text, seen),
        title=title,
        text=text,
        received_at=_time("received_at", values.get(names["received_at"]), zone),
        lane=_lane(values.get(names["lane"]), reading.lane),
        priority=_priority(values.get(names["priority"])),
        due_at=_time("due_at", values.get(names["due_at"]), zone),
        district=text_of("district"),
        unit=text_of("unit"),
        meta=_meta(values.get(names["meta"]), {k: v for k, v in values.items() if k not in known}),
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


def _check_scalar(field: str, value: Any) -> None:
    """Refuse texts and numbers that some database cannot hold."""
    if isinstance(value, float) and not math.isfinite(value):
        raise _FieldError(field, f"holds {value}, which is no number; leave it out or write null")
    if not isinstance(value, str):
        return
    if "\x00" in value:
        raise _FieldError(field, "holds a NUL character: the file is damaged or no text")
    if _SURROGATE.search(value):
        raise _FieldError(field, "holds half a surrogate pair: the file is damaged")


def _numbered_hash(title: str | None, text: str, seen: Counter[bytes]) -> str:
    digest = hashlib.sha256(f"{title or ''}\n{text}".encode()).digest()[:12]
    seen[digest] += 1
    number = seen[digest]
    return digest.hex() if number == 1 else f"{digest.hex()}-{number}"


def _time(field: str, value: Any, zone: ZoneInfo) -> datetime | None:
    """Read ISO 8601 and the forms Chinese systems write; without a zone it is local time."""
    text = _clean(field, value, _MAX_NAME_CHARS)
    if text is None:
        return None
    for parse in (datetime.fromisoformat, *(_strptime(form) for form in _TIME_FORMATS)):
        try:
            time = parse(text)
        except ValueError:
            continue
        if not _FIRST_YEAR <= time.year <= _LAST_YEAR:
            raise _FieldError(
                field, f"{text!r}: the year is not from {_FIRST_YEAR} to {_LAST_YEAR}"
            )
        return time if time.tzinfo else time.replace(tzinfo=zone)
    raise _FieldError(field, f"{text!r} is no time such as 2026-03-01T09:30:00 or 2026/3/1 9:30")


def _strptime(form: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text, form)  # noqa: DTZ007  (the caller adds the zone)


def _lane(value: Any, default: str) -> str:
    text = _clean("lane", value, _MAX_NAME_CHARS)
    if text is None:
        return default
    if text not in LANES:
        raise _FieldError("lane", f"{text!r} is no lane; lanes are {' and '.join(LANES)}")
    return text


def _priority(value: Any) -> int:
    text = _clean("priority", value, _MAX_NAME_CHARS)
    if text is None:
        return ROUTINE
    if not re.fullmatch(r"[Pp]?[1-5]", text):
        raise _FieldError(
            "priority", f"{text!r} is none of {URGENT} (urgent) to {LEAST} (can wait)"
        )
    return int(text[-1])


def _meta(value: Any, rest: dict[str, Any]) -> dict[str, Any]:
    """Keep the meta object as it is, with the columns nobody asked for beside it."""
    if value is None or value == "":
        value = {}
    if not isinstance(value, dict):
        raise _FieldError("meta", "an object is expected")
    meta = {**rest, **value}
    _check_meta(meta)
    return meta


def _check_meta(meta: dict[str, Any]) -> None:
    """Refuse what PostgreSQL's jsonb cannot hold, or no encoder writes, before it meets them."""
    level: list[Any] = [meta]
    for _ in range(_MAX_META_DEPTH):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += value.keys()
                inner += value.values()
            elif isinstance(value, list):
                inner += value
            else:
                _check_scalar("meta", value)
        level = inner
    if level:
        raise _FieldError("meta", f"nested more than {_MAX_META_DEPTH} levels deep")
