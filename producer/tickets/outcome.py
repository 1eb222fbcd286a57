"""What comes of a row beside a ticket: a reject, or notes on a row that was taken."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is no ticket: where it stands, which field is wrong and why."""

    line: int
    field: str
    reason: str
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Note:
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
