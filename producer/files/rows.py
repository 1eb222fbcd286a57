"""A row of a file, whatever its format, and how long one may be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# One row, JSON value or field may be this long; longer ones are no tickets.
MAX_VALUE_CHARS = 16 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file.

    Attributes:
        line: where the row begins, counted from 1.
        values: column to value; the columns are named as the file names them.
        problem: why the row cannot be read; ``values`` may then be empty or show what is left.
        notes: what a person should know of a row that was taken. A note is a kind, the same for
            all rows it applies to, so that the command line can count it.
        faults: column to what is wrong with its cell; ``values`` has None there. It costs the row
            only where the column is used.
    """

    line: int
    values: dict[str, Any]
    problem: str | None = None
    notes: tuple[str, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)
