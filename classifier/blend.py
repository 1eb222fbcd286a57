"""The blend: a linear model's scores added to a head's.

Added logits are multiplied probabilities (Hinton, "Training Products of Experts", 2002). The linear
model learned the same samples as the adapter, errs elsewhere, and costs next to nothing beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from classifier.linear_model import LinearWeights
from classifier.manifest import Manifest
from classifier.setup import Setup


@dataclass(frozen=True, eq=False)
class Blend:
    """A linear model beside a head.

    Parameters:
        linear: of u classes.
        codes: (u,) units of the classes, in their order.
        weight: of its scores, the head's have 1.
    """

    linear: LinearWeights
    codes: tuple[str, ...]
    weight: float

    def scores(self, texts: Sequence[str], rows: Sequence[str]) -> NDArray[np.float32]:
        """Return (texts, rows) what is added to the head's logits.

        Args:
            texts: n tickets, masked.
            rows: codes of the head's rows, each one of ``codes``.
        """
        numbers = {code: number for number, code in enumerate(self.codes)}
        columns = [numbers[code] for code in rows]
        scores: NDArray[np.float32] = self.linear.logits(texts)[:, columns] * np.float32(
            self.weight
        )
        return scores

    @classmethod
    def load(cls, directory: Path, manifest: Manifest, setup: Setup) -> Self | None:
        """Read the linear model that a version's head is blended with; None where it has none.

        Raises:
            ModelVersionError: a file is missing or changed, or does not fit.
        """
        answer = setup.answer
        if answer is None or not answer.linear_weight:
            return None
        linear = LinearWeights.load(directory, manifest, len(answer.taught))
        linear.logits([""])  # its tables are made at first use: now, so that no ticket waits
        return cls(linear, answer.taught, answer.linear_weight)
