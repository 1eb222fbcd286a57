"""What head and names learn of a distribution over units."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Chances = NDArray[np.float64]

_NONE = -1
"""Behind a name's end."""


@dataclass(frozen=True, slots=True)
class SoftNames:
    """Weights of tokens that make the loss of a name the loss of a distribution over names.

    Parameters:
        places: (m,) counted from the name's first token; a place may stand several times.
        tokens: (m,) that may follow there.
        weights: (m,) probability of the token, minus 1 for the one that does follow. Those of a
            place sum to 0.
    """

    places: list[int]
    tokens: list[int]
    weights: list[float]


@dataclass(frozen=True, slots=True)
class SoftTarget:
    """What a sample is learned as.

    Parameters:
        units: (u,) probability of each row of the head.
        names: of the name that its text ends with.
    """

    units: Chances
    names: SoftNames


class Names:
    """The names of u units in tokens, each with the end token.

    Args:
        names: in the order of the head's rows; none begins with another one.
    """

    def __init__(self, names: Sequence[Sequence[int]]) -> None:
        longest = max(map(len, names))
        self._tokens = np.array([[*name, *[_NONE] * (longest - len(name))] for name in names])

    def soft(self, row: int, units: Chances) -> SoftNames:
        """Return what makes a text that ends with a name teach a distribution over all of them.

        At each token of the name, what may follow has the probability of the names that go on so,
        among those that begin alike.

        Args:
            row: of the name.
            units: (u,) its distribution.
        """
        alike = units > 0
        found = SoftNames([], [], [])
        for place, follows in enumerate(self._tokens[row].tolist()):
            if follows == _NONE or not alike.any():
                break  # no name goes on as this one does: its tokens are learned as they stand
            tokens, which = np.unique(self._tokens[alike, place], return_inverse=True)
            chances = np.bincount(which, units[alike] / units[alike].sum())
            _add(found, place, follows, dict(zip(tokens.tolist(), chances.tolist(), strict=True)))
            alike = alike & (self._tokens[:, place] == follows)
        return found


def _add(found: SoftNames, place: int, follows: int, chances: dict[int, float]) -> None:
    """Enter what a place learns besides the token that follows there; nothing where it is sure."""
    if set(chances) == {follows}:
        return
    chances[follows] = chances.get(follows, 0.0) - 1
    found.places.extend([place] * len(chances))
    found.tokens.extend(chances)
    found.weights.extend(chances.values())


def row_of(units: Chances, draw: float) -> int:
    """Return the row that a draw from 0 up to 1 falls on, each with its probability."""
    row = int(np.searchsorted(np.cumsum(units), draw * units.sum(), side="right"))
    return min(row, int(np.flatnonzero(units)[-1]))
