"""Raw scores: what a version makes of texts before it is calibrated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeGuard

from classifier.calibration import Floats
from classifier.interface import Classifier


@dataclass(frozen=True, slots=True, eq=False)
class RawScores:
    """Scores of all units with samples, before temperature and softmax.

    Parameters:
        codes: the units as they were learned.
        units: what stands for each of them now; merged ones have the same.
        logits: (n, units).
        given_by: what scored: "linear", "head" or "names".
    """

    codes: tuple[str, ...]
    units: tuple[str, ...]
    logits: Floats
    given_by: str


class ScoringClassifier(Classifier, Protocol):
    """A classifier that can be calibrated anew, for it tells its raw scores."""

    def raw_scores(self, texts: Sequence[str]) -> RawScores:
        """Score n texts, as ``core.text.model_text`` made them."""
        ...


def tells_scores(classifier: Classifier) -> TypeGuard[ScoringClassifier]:
    """Whether a version has raw scores; a constant one has none."""
    return hasattr(classifier, "raw_scores")
