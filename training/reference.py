"""What a version's answers are later compared with, to see whether its tickets have changed."""

from collections import Counter
from collections.abc import Iterable

from pydantic import JsonValue

from classifier.calibration import softmax
from classifier.manifest import Calibration
from db.figures import Confidence, Hits
from training.held_out import HeldOut
from training.no_unit import NoUnitRule


def reference_of(
    learned: Iterable[str], held_out: HeldOut, calibration: Calibration, asked: NoUnitRule
) -> dict[str, JsonValue]:
    """Return the metric ``db.figures.REFERENCE``: the learned mix, and held-out answers.

    Args:
        learned: unit codes of the samples.
        held_out: answers to tickets that were not learned.
        calibration: the version's.
        asked: how it asks whether a ticket belongs to a unit.

    Returns:
        Nothing where no ticket was held out.
    """
    if not len(held_out):
        return {}
    chances = softmax(held_out.logits, calibration.temperature).max(axis=1).tolist()
    belongs = asked.belongs(calibration.no_unit, held_out.logits, calibration.temperature)
    confidence = Confidence.of(chances)
    return {
        "units": dict(sorted(Counter(learned).items())),
        "confidence": list(confidence or ()),
        "no_unit": list(Hits(int((~belongs).sum()), len(belongs))),
    }
