"""Temperature makes probabilities honest."""

import numpy as np
import pytest

from classifier.calibration import fit_temperature, softmax


def test_temperature_of_labels_drawn_from_the_softmax_itself_is_one() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 4)) * 2
    labels = np.array([rng.choice(4, p=row) for row in softmax(logits)])

    assert fit_temperature(logits, labels) == pytest.approx(1.0, abs=0.05)
    assert fit_temperature(logits * 5, labels) == pytest.approx(5.0, abs=0.25)


def test_temperature_is_finite_where_all_held_out_answers_are_right_or_there_are_none() -> None:
    right = fit_temperature(np.eye(3) * 4, np.arange(3))

    assert 0 < right < 5
    assert fit_temperature(np.empty((0, 3)), np.empty(0, dtype=np.int64)) == 1.0


def test_a_few_right_answers_do_not_make_a_model_certain() -> None:
    # Given a model that errs now and then, and twenty answers of it that are right
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(3_000, 4))
    labels = rng.integers(4, size=3_000)
    logits[np.arange(3_000), labels] += 3
    few = np.flatnonzero(logits.argmax(axis=1) == labels)[:20]

    # When these twenty set the temperature
    temperatures = [fit_temperature(logits[some], labels[some]) for some in (few, slice(None))]

    # Then the others' likelihood is not far from the best one
    by_few, by_all = (
        -np.log(softmax(logits, one)[np.arange(3_000), labels]).mean() for one in temperatures
    )
    assert by_few < 1.2 * by_all


@pytest.mark.parametrize("factor", [0.3, 7.0])
def test_the_temperature_goes_with_the_scale_of_the_logits(factor: float) -> None:
    rng = np.random.default_rng(2)
    logits, labels = rng.normal(size=(30, 4)), rng.integers(4, size=30)
    logits[np.arange(30), labels] += 2

    found = fit_temperature(logits * factor, labels)

    assert found == pytest.approx(factor * fit_temperature(logits, labels), rel=1e-3)


def test_softmax_does_not_overflow() -> None:
    assert softmax(np.array([[10_000.0, 0.0]]), 0.02).tolist() == [[1.0, 0.0]]
