"""Whether a challenger is better, by tickets that it and the champion answer differently.

Of all recent tickets, routed or not, only these can tell the two apart. A random part of them is
answered by people who see no suggestion; whoever is right more often is better, by the exact test
of McNemar (Psychometrika 12, 1947): the binomial of those that just one of the two answers right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue
from scipy.stats import binomtest, norm

from training.gate.answers import Answers
from training.gate.looks import level_of
from training.gate.recent import CHECK
from training.gate.tickets import JudgedTicket, right_units
from training.gate.verdict import Finding
from training.gate.weighted import POWER
from training.held_out import representatives

DRAWN = 150
"""Disagreements to have answered."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Disagreements to have answered by people.

    Parameters:
        rows: row numbers of the tickets, in the order of the draw.
        share: of all recent tickets, near-duplicates counted once, that are answered differently.
    """

    rows: NDArray[np.int64]
    share: float


def draw(
    groups: NDArray[np.int64],
    challenger: Answers,
    champion: Answers,
    seed: int,
    count: int = DRAWN,
) -> Drawn:
    """Draw at random from all recent tickets that two versions answer differently.

    Args:
        groups: (n,) group numbers of near-duplicates; one ticket of each can be drawn.
        challenger: its answers to all n recent tickets that neither has learned, decided or not.
        champion: the champion's.
        seed: of the draw.
        count: how many to draw; fewer where they do not disagree so often.
    """
    rows = representatives(groups, seed)
    differ = rows[challenger.units[rows] != champion.units[rows]]
    drawn = np.random.default_rng(seed).permutation(differ)[:count]
    return Drawn(drawn, len(differ) / max(1, len(rows)))


@dataclass(frozen=True, slots=True)
class Blind:
    """What people said of drawn disagreements.

    Parameters:
        drawn: how many they answered.
        gained: right by the challenger alone.
        lost: right by the champion alone.
    """

    drawn: int
    gained: int
    lost: int

    @property
    def p(self) -> float:
        """The chance of so many gains, were the two equal."""
        decisive = self.gained + self.lost
        if not decisive:
            return 1.0
        return float(binomtest(self.gained, decisive, alternative="greater").pvalue)

    def provable(self, level: float) -> float:
        """Return the gain, as a share of the disagreements, found with a chance of ``POWER``."""
        reach = float(norm.ppf(1 - level) + norm.ppf(POWER))
        return reach * sqrt(max(1, self.gained + self.lost)) / self.drawn


def check_better_blind(
    tickets: Sequence[JudgedTicket],
    challenger: Answers,
    champion: Answers,
    look: int,
    share: float | None = None,
) -> Finding:
    """Find whether the challenger is right more often where the two disagree.

    Args:
        tickets: all that were drawn (``draw``) and decided without a suggestion, at least one.
        challenger: its answers to them.
        champion: the champion's.
        look: the number of this comparison with the champion.
        share: ``Drawn.share``, to tell the gain in points of the stream.
    """
    right = right_units(tickets)
    mine, other = challenger.units == right, champion.units == right
    found = Blind(len(tickets), int(np.sum(mine & ~other)), int(np.sum(other & ~mine)))
    return _tell(found, look, share)


def _tell(found: Blind, look: int, share: float | None) -> Finding:
    level, scale = level_of(look), 1.0 if share is None else share
    gain = scale * (found.gained - found.lost) / found.drawn
    proves = scale * found.provable(level)
    text = (
        f"of {found.drawn:,} disagreements drawn at random and answered blind the challenger has "
        f"{found.gained:,} right and the champion {found.lost:,}: {100 * gain:+.1f} points of "
        f"{'these' if share is None else 'the stream'}, p = {found.p:.2g} (exact McNemar; look "
        f"{look}, level {level:.2g}); a gain of {100 * proves:.1f} points would be found in nine "
        "of ten cases"
    )
    passed = found.p <= level
    facts: dict[str, JsonValue] = {
        "drawn": found.drawn,
        "gained": found.gained,
        "lost": found.lost,
        "share": share,
        "gain": gain,
        "p": found.p,
        "level": level,
        "provable_gain": proves,
    }
    cure = (
        ""
        if passed or gain <= 0
        else "have more disagreements drawn and answered ('paidan runs judge RUN --draw')"
    )
    return Finding(CHECK, passed, text, cure, facts)
