"""What held-out tickets say of a trained adapter: the answer, its calibration, its measures."""

import dataclasses
from pathlib import Path

import pytest

from classifier.setup import AnswerBy
from registry.writer import TrainedVersion
from tests.support.llm import prompt_units, recipe_with_head, themed_samples
from tests.support.models import STANDIN
from tests.support.told import Told
from training.adapter.assessment import WEAK, Assessment, assess
from training.adapter.preparation import Preparation, prepare
from training.progress import SILENT
from training.samples import Sample


@pytest.fixture(scope="module")
def prepared() -> Preparation:
    """What the version with a head was trained on."""
    return prepare(themed_samples(), prompt_units(), STANDIN, recipe_with_head(), SILENT)


def assessed(
    prepared: Preparation, directory: Path, wanted: AnswerBy | None = None, told: Told | None = None
) -> Assessment:
    return assess(prepared, directory, 1.0, 0.05, wanted, told or Told())


def test_both_ways_are_measured_and_one_answers(
    prepared: Preparation, head_version: TrainedVersion
) -> None:
    told = Told()

    found = assessed(prepared, head_version.path, told=told)

    assert found.answer.by == found.metrics["answer"] == "head"
    assert found.answer.taught == ("A", "B", "C")
    for way in ("head", "names"):
        measured = found.metrics[way]
        assert isinstance(measured, dict)
        assert measured.keys() == {
            "accuracy",
            "macro_f1",
            "nll",
            "calibration_error",
            "temperature",
        }
        assert measured["accuracy"] == 1
    assert found.metrics["accuracy"] == found.metrics["macro_f1"] == 1
    assert any(line.startswith("answers by the head: ") for line in told.lines)
    assert WEAK not in found.metrics


def test_the_way_that_is_asked_for_is_calibrated(
    prepared: Preparation, head_version: TrainedVersion
) -> None:
    by_head, by_names = (assessed(prepared, head_version.path, way) for way in ("head", "names"))

    assert (by_head.answer.by, by_names.answer.by) == ("head", "names")
    assert by_names.calibration.temperature == by_names.answer.names_temperature
    assert by_head.answer.names_temperature == by_names.answer.names_temperature
    assert by_head.calibration.temperature != by_names.calibration.temperature


def test_the_threshold_is_set_by_tickets_that_chose_nothing(
    prepared: Preparation, head_version: TrainedVersion
) -> None:
    found = assessed(prepared, head_version.path)

    assert found.calibration.held_out < len(prepared.held_out)


def test_a_version_that_answers_all_wrong_is_weak_and_says_so(
    prepared: Preparation, head_version: TrainedVersion
) -> None:
    turned = {"A": "B", "B": "C", "C": "A"}
    wrong = [Sample(sample.text, turned[sample.unit]) for sample in prepared.held_out]
    told = Told()

    found = assessed(dataclasses.replace(prepared, held_out=wrong), head_version.path, told=told)

    assert "0.0% of 12 held-out tickets right" in str(found.metrics[WEAK])
    assert f"warning: {found.metrics[WEAK]}" in told.lines


def test_a_version_that_a_linear_model_beats_is_weak(
    prepared: Preparation, head_version: TrainedVersion
) -> None:
    """The linear model learns other labels than the version did; these are right here."""
    turned = {"A": "B", "B": "A", "C": "C"}
    samples = [Sample(sample.text, turned[sample.unit]) for sample in prepared.known]
    right = [sample for sample in samples if sample.unit == "C"]
    wrong = [sample for sample in samples if sample.unit != "C"]
    others = dataclasses.replace(
        prepared, known=[*wrong, *right[::2]], held_out=[*wrong[::3], *right]
    )

    found = assessed(others, head_version.path)

    assert "a linear model that learned the same samples 100.0%" in str(found.metrics[WEAK])
