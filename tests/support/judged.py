"""Judged tickets, answers to them, and a classifier that says what a test tells it."""

from collections.abc import Callable, Sequence

import numpy as np

from classifier.interface import Decision
from classifier.manifest import Calibration
from training.gate.answers import Answers
from training.gate.tickets import BY_CHANCE, JudgedTicket


def judged(
    units: str, asked: str = BY_CHANCE, inclusion: float | None = 1.0, start: int = 0
) -> list[JudgedTicket]:
    """A ticket for each letter, each in a group of its own, numbered from ``start``."""
    return [
        JudgedTicket(f"{unit} {row}", unit, row, asked, inclusion)
        for row, unit in enumerate(units, start)
    ]


def said(units: str, probability: float = 0.9) -> Answers:
    """Answers, a letter each."""
    return Answers(np.array(list(units), dtype=np.str_), np.full(len(units), probability))


class Clock:
    """A time that only waiting moves on."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


class Scripted:
    """A classifier that answers as a function says, of a text that begins with its right unit.

    Args:
        version: its name.
        says: text -> unit.
        probability: of each answer.
        takes: text -> seconds, which go by on the clock.
        clock: the test's.
    """

    kind = "scripted"
    token_budget = 1_000_000

    def __init__(
        self,
        version: str,
        says: Callable[[str], str] = lambda text: text[0],
        probability: float = 0.9,
        takes: Callable[[str], float] = lambda text: 0.0,
        clock: Clock | None = None,
    ) -> None:
        self.version = version
        self.units = frozenset("ABCDEF")
        self.asked: list[tuple[str, ...]] = []
        self._says = says
        self._probability = probability
        self._takes = takes
        self._clock = clock or Clock()

    @property
    def calibration(self) -> Calibration:
        raise NotImplementedError

    def recalibrate(self, calibration: Calibration | None) -> None:
        raise NotImplementedError

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        self._clock.wait(sum(map(self._takes, texts)))
        self.asked.append(tuple(texts))
        return [self._decide(self._says(text)) for text in texts]

    def _decide(self, unit: str) -> Decision:
        top = ((unit, self._probability),)
        return Decision(unit, self._probability, top, None, self.version)


class Hoarder(Scripted):
    """A classifier that holds so much memory, in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__("hoarder")
        self._held = b"\x01" * size
