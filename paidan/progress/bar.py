"""A bar on a terminal; elsewhere a line every five seconds."""

import time
from typing import Self

from rich import progress as rich_progress
from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

_LINE_EVERY_S = 5.0
_WIDTH = 24


class Count(ProgressColumn):
    """How many of how many."""

    def render(self, task: Task) -> Text:
        """Show both; while a file is being read its length is not known."""
        total = "" if task.total is None else f"/{task.total:,.0f}"
        return Text(f"{task.completed:,.0f}{total}")


class Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        """Show the rate, of the whole where it is finished."""
        return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s")


class Bar:
    """A bar with a count, drawn from ``start`` to ``__exit__``.

    Args:
        description: the words before the bar.
        column: what stands behind the count.
        quiet: show nothing.
    """

    def __init__(self, description: str, column: ProgressColumn, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._drawn = rich_progress.Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=_WIDTH),
            Count(),
            column,
            TimeRemainingColumn(),
            TextColumn("{task.fields[detail]}"),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._drawn.add_task(description, total=None, detail="")
        self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._drawn.stop()

    def start(self) -> None:
        """Draw the bar from now on; again does nothing."""
        self._drawn.start()

    def restart(self, description: str, total: int) -> None:
        """Begin anew, with other words and a known total."""
        self._drawn.reset(self._task, total=total, description=description, detail="")

    def show(self, line: str, completed: int, total: int | None = None, detail: str = "") -> None:
        """Move the bar; where there is no terminal, print ``line`` now and then."""
        self._drawn.update(self._task, completed=completed, total=total, detail=detail)
        if self._drawn.disable and time.monotonic() - self._last_line >= _LINE_EVERY_S:
            self._last_line = time.monotonic()
            self.say(line)

    def say(self, line: str) -> None:
        """Print a line, above the bar where one is drawn."""
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)
