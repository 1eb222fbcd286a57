"""The samples as the linear model's training takes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Data:
    """n texts and their class numbers; classes are numbered in the order of unit codes.

    Parameters:
        texts: n of them.
        labels: (n,) class numbers.
        classes: how many there are.
        groups: (n,) group numbers of near-duplicates.
        weights: (n,) how much each counts in a fit; None where all count alike. What is held out
            and measured counts alike either way.
    """

    texts: Sequence[str]
    labels: Labels
    classes: int
    groups: Labels
    weights: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        """Return n."""
        return len(self.texts)

    def take(self, rows: NDArray[np.int64]) -> "Data":
        """Return the samples in these rows."""
        texts = [self.texts[row] for row in rows.tolist()]
        weights = None if self.weights is None else self.weights[rows]
        return Data(texts, self.labels[rows], self.classes, self.groups[rows], weights)
