"""What a version leaves to compare its later answers with."""

import numpy as np

from classifier.manifest import Calibration, NoUnit
from db.figures import Figures
from training.held_out import HeldOut
from training.no_unit import NoUnitRule
from training.reference import reference_of

CALIBRATION = Calibration(
    temperature=2.0,
    threshold=0.5,
    error_target=0.05,
    coverage=1.0,
    error=None,
    held_out=3,
    no_unit=NoUnit(score="probability", threshold=0.6, review=0.05),
)
ASKED = NoUnitRule("probability")


def test_the_mix_is_of_what_was_learned_and_the_rest_of_held_out_answers() -> None:
    # Given probabilities of 0.5, 0.9 and 0.9, at the version's temperature
    logits = np.array([[0.0, 0.0], [2 * np.log(9), 0.0], [0.0, 2 * np.log(9)]])
    held_out = HeldOut(logits, np.array([0, 1, 1]), np.arange(3))

    facts = reference_of("ABBB", held_out, CALIBRATION, ASKED)
    found = Figures.read(facts, {"B": "C"})

    assert (found.units, found.no_unit) == ({"A": 1, "C": 3}, (1, 3))
    assert found.confidence is not None
    assert np.allclose(found.confidence, (2.3 / 3, np.var([0.5, 0.9, 0.9]), 3))


def test_where_nothing_was_held_out_there_is_nothing_to_compare() -> None:
    none = HeldOut(np.empty((0, 2)), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))

    assert reference_of("AB", none, CALIBRATION, ASKED) == {}
