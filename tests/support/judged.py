"""Judged tickets, answers to them, and a classifier that says what a test tells it."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from classifier.interface import Decision
from classifier.manifest import Calibration
from tests.support.versions import CALIBRATION
from training.gate.answers import Answers
from training.gate.tickets import BY_CHANCE, JudgedTicket


def judged(units: str, asked: str = BY_CHANCE, inclusion: float | None = 1.0) -> list[JudgedTicket]:
    """A ticket for each letter, each in a group of its own."""
    return [
        JudgedTicket(f"{unit} {asked} {row}", unit, row, asked, inclusion)
        for row, unit in enumerate(units)
    ]


def said(units: str, probability: float = 0.9) -> Answers:
    """Answers, a letter each."""
    return Answers(np.array(list(units), dtype=np.str_), np.full(len(units), probability))


class Scripted:
    """A classifier that answers as a function says, of a text that begins with its right unit.

    Args:
        version: its name.
        says: text -> unit.
        probability: of each answer.
        seconds: that it takes for a text.
    """

    kind = "scripted"
    token_budget = 1_000_000

    def __init__(
        self,
        version: str,
        says: Callable[[str], str] = lambda text: text[0],
        probability: float = 0.9,
        seconds: float = 0.0,
    ) -> None:
        self.version = version
        self.units = frozenset("ABCDEF")
        self.asked: list[str] = []
        self._says = says
        self._probability = probability
        self._seconds = seconds

    @property
    def calibration(self) -> Calibration:
        return CALIBRATION

    def recalibrate(self, calibration: Calibration | None) -> None:
        raise NotImplementedError

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        time.sleep(self._seconds * len(texts))
        self.asked += texts
        return [self._decide(self._says(text)) for text in texts]

    def _decide(self, unit: str) -> Decision:
        top = ((unit, self._probability),)
        return Decision(unit, self._probability, top, None, self.version)
