"""Notes about rows that were taken: each kind once, with its number and its first lines."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from producer.tickets.outcome import Note

_DEADLINE = "due_at"


@dataclass(slots=True)
class _Kind:
    """How many rows, the first of them, and what was wrong in the first."""

    count: int = 0
    lines: list[int] = field(default_factory=list)
    detail: str = ""


class Notes:
    """Counts what was noted of rows, by kind, so that a million rows print a few lines.

    A deadline that cannot be read is told at once for each row: the ticket goes without one.

    Args:
        file: the input, for messages.
    """

    _KINDS_SHOWN, _LINES_SHOWN = 20, 5

    def __init__(self, file: Path) -> None:
        self.file = file
        self._kinds: dict[str, _Kind] = {}

    def add(self, line: int, notes: Iterable[str]) -> None:
        """Take down a row's notes; a note is a kind, so it holds no value of its row."""
        for note in notes:
            self._count(note, line, "")

    def take(self, note: "Note") -> None:
        """Take down a note on a row."""
        self._count(note.kind, note.line, note.detail)
        if note.field == _DEADLINE and note.detail:
            place = f"{self.file}, line {note.line}, {note.field}"
            click.echo(f"warning: {place}: {note.detail}", err=True)

    def _count(self, note: str, line: int, detail: str) -> None:
        kind = self._kinds.setdefault(note, _Kind(detail=detail))
        kind.count += 1
        if len(kind.lines) < self._LINES_SHOWN:
            kind.lines.append(line)

    def _ranked(self) -> list[tuple[str, _Kind]]:
        return sorted(self._kinds.items(), key=lambda item: -item[1].count)

    def report(self) -> None:
        """Print the kinds on standard error, the most frequent first."""
        ranked = self._ranked()
        for note, kind in ranked[: self._KINDS_SHOWN]:
            more = ", …" if kind.count > len(kind.lines) else ""
            lines = f"{kind.count:,} rows, lines {', '.join(map(str, kind.lines))}{more}"
            example = f"; line {kind.lines[0]}: {kind.detail}" if kind.detail else ""
            click.echo(f"note: {self.file}: {note} ({lines}{example})", err=True)
        if len(ranked) > self._KINDS_SHOWN:
            click.echo(f"note: {self.file}: {len(ranked)} kinds of notes in all", err=True)

    def as_json(self) -> list[dict[str, Any]]:
        """Return the kinds for programs, the most frequent first."""
        return [
            {"note": note, "rows": kind.count, "first_lines": kind.lines}
            for note, kind in self._ranked()
        ]
