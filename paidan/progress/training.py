"""What a training tells at a terminal: lines, and a bar of its steps."""

from typing import Self

from rich.progress import TextColumn

from core.terminal import without_controls
from db.run_points import Point
from paidan.progress.bar import Bar


class TrainingProgress:
    """A ``training.progress.Progress`` on standard error.

    Args:
        prefix: put before each line.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._bar = Bar("training", TextColumn("steps"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._bar.__exit__(*exc)

    def say(self, line: str) -> None:
        """Print a line."""
        self._bar.say(f"{self._prefix}{without_controls(line)}")

    def step(self, step: int, steps: int, loss: float | None) -> None:
        """Show how far the run is."""
        detail = "" if loss is None else f"loss {loss:.3f}"
        self._bar.start()  # here: what tells lines alone has no bar
        line = f"{self._prefix}training step {step:,} of {steps:,} {detail}"
        self._bar.show(line, step, steps, detail)

    def measured(self, point: Point) -> None:
        """Show no curve: the bar tells the loss."""
