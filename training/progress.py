"""What a training tells while it runs."""

from typing import Protocol

from db.run_points import Point


class Progress(Protocol):
    """Is told how a training goes; ``paidan.progress`` shows it to people."""

    def say(self, line: str) -> None:
        """Take a line of text."""

    def step(self, step: int, steps: int, loss: float | None) -> None:
        """Take how many of how many optimiser steps are done, and the newest loss."""

    def measured(self, point: Point) -> None:
        """Take a point of the training's curves."""


class Silence:
    """A ``Progress`` that nobody hears."""

    def say(self, line: str) -> None:
        """Take a line of text."""

    def step(self, step: int, steps: int, loss: float | None) -> None:
        """Take how far the training is."""

    def measured(self, point: Point) -> None:
        """Take a point."""


SILENT: Progress = Silence()
