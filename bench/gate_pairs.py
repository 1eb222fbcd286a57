"""Pairs of simulated versions, as good as each other or not, and the tickets that people decided.

A version is right about a ticket where a hidden normal number is positive. A part of that number is
the ticket's own difficulty, which both versions share; the rest is the version's. Its probability
is the true one, given how far the number is from 0: it is calibrated, and it doubts where it errs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import foldnorm, norm

from training.gate.answers import Answers
from training.gate.tickets import BY_CHANCE, JudgedTicket

Rows = NDArray[np.int64]
UNITS = np.array([f"U{number:02}" for number in range(30)])
_SIZES = 1 / np.arange(1.0, len(UNITS) + 1)  # a few units get most tickets
_SHARED = 0.8  # correlation of the hidden numbers: 9 % are right by just one of the two


@dataclass(frozen=True, slots=True)
class Stream:
    """What the champion does with tickets, and what people see of them.

    Parameters:
        accuracy: the champion's.
        doubted: share of tickets that the champion doubts; people see them all.
        sample: share of the others that chance draws for people.
        done: share of these that people have decided by now; they have decided all doubted ones.
    """

    accuracy: float = 0.9
    doubted: float = 0.2
    sample: float = 0.05
    done: float = 1.0

    @property
    def decided(self) -> float:
        """The share of tickets that people have decided."""
        return self.doubted + self.sample * self.done * (1 - self.doubted)

    @property
    def threshold(self) -> float:
        """The probability under which the champion doubts."""
        mean = float(norm.ppf(self.accuracy))
        return float(_probability(foldnorm.ppf(self.doubted, mean), mean))


@dataclass(frozen=True, slots=True)
class Answered:
    """Tickets with both versions' answers.

    Parameters:
        right: (n,) the right units.
        champion: the champion's answers.
        challenger: the challenger's.
    """

    right: NDArray[np.str_]
    champion: Answers
    challenger: Answers

    def take(self, rows: Rows) -> "Answered":
        """Return the tickets in these rows."""
        sides = (self.champion, self.challenger)
        return Answered(
            self.right[rows], *(Answers(one.units[rows], one.probability[rows]) for one in sides)
        )

    def judged(self, asked: Sequence[str], inclusion: Sequence[float]) -> list[JudgedTicket]:
        """Return them as people decided them, each in a group of its own."""
        told = zip(self.right.tolist(), asked, inclusion, strict=True)
        return [
            JudgedTicket(f"ticket {row}", unit, row, why, chance)
            for row, (unit, why, chance) in enumerate(told)
        ]


def draw_pair(random: np.random.Generator, stream: Stream, n: int, gain: float = 0) -> Answered:
    """Return n new tickets and what two versions say of them.

    Args:
        random: of all draws.
        stream: the tickets.
        n: how many.
        gain: the challenger's accuracy less the champion's.
    """
    right = random.choice(len(UNITS), n, p=_SIZES / _SIZES.sum())
    difficulty = random.normal(size=n)
    tempting = random.integers(1, len(UNITS), n)

    def answers(accuracy: float) -> Answers:
        mean = float(norm.ppf(accuracy))
        own = random.normal(size=n)
        hidden = mean + np.sqrt(_SHARED) * difficulty + np.sqrt(1 - _SHARED) * own
        # Two wrong answers name the same unit in a quarter of the cases.
        off = np.where(random.random(n) < 0.5, tempting, random.integers(1, len(UNITS), n))
        units = np.where(hidden > 0, right, (right + off) % len(UNITS))
        return Answers(UNITS[units], _probability(np.abs(hidden), mean))

    return Answered(UNITS[right], answers(stream.accuracy), answers(stream.accuracy + gain))


def draw_decided(
    random: np.random.Generator, stream: Stream, answered: Answered
) -> tuple[Answered, list[JudgedTicket]]:
    """Return what people decided: all that the champion doubted, and of the others a sample."""
    doubted = answered.champion.probability < stream.threshold
    sampled = ~doubted & (random.random(len(doubted)) < stream.sample * stream.done)
    rows = np.flatnonzero(doubted | sampled)
    asked = np.where(doubted, "doubtful", BY_CHANCE)[rows].tolist()
    inclusion = np.where(doubted, 1.0, stream.sample or 1.0)[rows].tolist()
    decided = answered.take(rows)
    return decided, decided.judged(asked, inclusion)


def _probability(distance: NDArray[np.float64], mean: float) -> NDArray[np.float64]:
    """Return the chance to be right, given the hidden number's distance from 0."""
    chances: NDArray[np.float64] = 1 / (1 + np.exp(-2 * mean * distance))
    return chances
