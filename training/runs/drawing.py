"""Draws recent tickets that a challenger and the champion answer differently, for people."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifier.interface import Classifier
from training.gate.answers import Answers, answer
from training.gate.disagreements import draw
from training.gate.tickets import JudgedTicket
from training.runs.pool import PoolTicket

FEWEST = 20
"""Of fewer disagreements people's answers could hardly prove anything; they are not asked."""
LIMIT_S = 300.0
"""After so many seconds no further tickets are answered for it."""

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Disagreements:
    """What people are to be asked.

    Parameters:
        tickets: their ids, in the order of the draw.
        share: of recent tickets that the two answer differently.
        answered: how many recent tickets both have answered for it.
    """

    tickets: tuple[int, ...]
    share: float
    answered: int

    def __str__(self) -> str:
        """Return what was found, for people."""
        return (
            f"of {self.answered:,} recent tickets that neither version has learned they answer "
            f"{len(self.tickets):,} differently"
        )


def draw_disagreements(
    pool: Sequence[PoolTicket],
    champion: Classifier,
    challenger: Classifier,
    allowed: frozenset[str],
    *,
    count: int,
    seed: int,
) -> Disagreements:
    """Have both answer tickets in a random order until they differ on enough of them.

    Args:
        pool: recent tickets that neither has learned, no two near-duplicates.
        champion: the version that answers now.
        challenger: the version that would.
        allowed: codes of the units that may be answered.
        count: how many disagreements to draw.
        seed: of the order.
    """
    order = [pool[at] for at in np.random.default_rng(seed).permutation(len(pool)).tolist()]
    until = time.monotonic() + LIMIT_S
    sides: tuple[list[Answers], list[Answers]] = ([], [])
    differ = 0
    for start in range(0, len(order), _BATCH):
        tickets = [
            JudgedTicket(one.text, "", row) for row, one in enumerate(order[start:][:_BATCH])
        ]
        mine, other = (answer(one, tickets, allowed) for one in (challenger, champion))
        sides[0].append(mine)
        sides[1].append(other)
        differ += int((mine.units != other.units).sum())
        if differ >= count or time.monotonic() >= until:
            break
    answered = sum(map(len, sides[0]))
    if not answered:
        return Disagreements((), 0.0, 0)
    drawn = draw(np.arange(answered), _joined(sides[0]), _joined(sides[1]), seed, count)
    found = tuple(order[row].id for row in drawn.rows.tolist())
    return Disagreements(found, drawn.share, answered)


def _joined(parts: Sequence[Answers]) -> Answers:
    return Answers(
        np.concatenate([part.units for part in parts]),
        np.concatenate([part.probability for part in parts]),
    )
