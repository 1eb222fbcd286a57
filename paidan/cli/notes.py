"""Notes about rows that were taken: each kind once, with its number and its first line."""

from collections.abc import Iterable
from pathlib import Path

import click


class Notes:
    """Counts what was noted of rows, by kind, so that a million rows print a few lines.

    Args:
        file: the input, for messages.
    """

    _KINDS_SHOWN = 20

    def __init__(self, file: Path) -> None:
        self.file = file
        self._counts: dict[str, int] = {}
        self._first: dict[str, int] = {}

    def add(self, line: int, notes: Iterable[str]) -> None:
        """Take down a row's notes; a note is a kind, so it holds no value of its row."""
        for note in notes:
            self._counts[note] = self._counts.get(note, 0) + 1
            self._first.setdefault(note, line)

    def report(self) -> None:
        """Print the kinds on standard error, the most frequent first."""
        ranked = sorted(self._counts, key=lambda note: -self._counts[note])
        for note in ranked[: self._KINDS_SHOWN]:
            rows = f"{self._counts[note]:,} rows, first line {self._first[note]}"
            click.echo(f"note: {self.file}: {note} ({rows})", err=True)
        if len(ranked) > self._KINDS_SHOWN:
            click.echo(f"note: {self.file}: {len(ranked)} kinds of notes in all", err=True)
