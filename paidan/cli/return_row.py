"""Reads units' returns (退单) out of the rows of a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from paidan.cli.decision_row import FIELDS as TICKET_FIELDS
from paidan.cli.decision_row import UNSTORABLE, Decision, DecisionReader
from paidan.cli.inert import as_stored

if TYPE_CHECKING:
    from producer.files.rows import Row

REASON = "reason"
FIELDS = (*TICKET_FIELDS, REASON)
MAX_REASON_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class ReturnRow:
    """What a row says: this unit gives that ticket back, for a reason.

    Attributes:
        named: the ticket and the unit.
        reason: in the unit's words.
    """

    named: Decision
    reason: str

    @property
    def problem(self) -> str | None:
        """Why it cannot be entered, if it cannot."""
        if self.named.problem is not None:
            return self.named.problem
        if not self.named.unit:
            return "the unit that returns the ticket is missing"
        if not self.reason:
            return "the reason is missing: who dispatches the ticket next needs it"
        if len(self.reason) > MAX_REASON_CHARS:
            return f"the reason has {len(self.reason):,} characters, {MAX_REASON_CHARS:,} at most"
        if UNSTORABLE.search(self.reason):
            return "a NUL character or half a surrogate pair: the file is damaged"
        return None


class ReturnReader:
    """Reads a file's rows one by one.

    Args:
        file: the input, for messages and its kind.
        columns: field to column name, where they differ.
    """

    def __init__(self, file: Path, columns: Mapping[str, str]) -> None:
        self._file = file
        self._column = columns.get(REASON, REASON)
        self._named = DecisionReader(file, columns)

    def used(self) -> set[str]:
        """Return the names of the columns that are read."""
        return self._named.used() | {self._column}

    def read(self, row: "Row") -> ReturnRow:
        """Return what a row says.

        Raises:
            InputError: a table has no column of ids, of units or of reasons.
        """
        from producer.files.column_names import find_name

        named = self._named.read(row)
        values = as_stored(row).values
        column = find_name(values, self._column)
        if column is None and not self._named.is_json:
            raise InputError(
                f"{self._file}: no column {self._column!r} among {', '.join(map(repr, values))}; "
                f"name another with --column {REASON}=NAME"
            )
        value = values.get(column) if column else None
        return ReturnRow(named, "" if value is None else str(value).strip())
