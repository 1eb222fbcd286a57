"""What versions say of samples: a linear one out of fold, an LLM as it answers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifier.calibration import softmax
from classifier.loading import load_classifier
from classifier.raw_scores import tells_scores
from core.errors import InputError, ModelVersionError
from registry.writer import TrainedVersion
from tests.support.llm import themed_samples
from tests.support.make import UNITS
from tests.support.versions import rewrite_manifest
from training.adapter.soft.teacher import teacher_probabilities
from training.constant import train_constant
from training.linear.version import train_linear
from training.samples import Sample

TAUGHT = ("A", "B", "C")


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> TrainedVersion:
    folder = tmp_path_factory.mktemp("teachers")
    return train_linear(themed_samples(), UNITS, models_dir=folder, error_target=1.0)


def test_a_linear_version_does_not_repeat_the_labels_it_has_learned(linear: TrainedVersion) -> None:
    # Given that a tenth of its tickets has a wrong label
    samples = themed_samples()
    wrong = range(0, len(samples), 10)
    for n in wrong:
        samples[n] = replace(samples[n], unit=TAUGHT[(TAUGHT.index(samples[n].unit) + 1) % 3])

    found = teacher_probabilities(linear.name, linear.path.parent, samples, TAUGHT)

    # Then it says what the others' labels say
    assert np.allclose(found.sum(axis=1), 1)
    answers = [TAUGHT[row] for row in found.argmax(axis=1)]
    assert answers == [sample.unit for sample in themed_samples()]


def test_what_cannot_be_held_out_is_not_answered(linear: TrainedVersion) -> None:
    samples = [*themed_samples(), Sample("河道里有垃圾，没人清理", "D")]

    found = teacher_probabilities(linear.name, linear.path.parent, samples, (*TAUGHT, "D"))

    assert found[-1].tolist() == [0, 0, 0, 0]
    assert np.allclose(found[:-1].sum(axis=1), 1)


def test_an_llm_teaches_its_calibrated_probabilities(head_version: TrainedVersion) -> None:
    samples = themed_samples(3)

    found = teacher_probabilities(head_version.name, head_version.path.parent, samples, TAUGHT)

    teacher = load_classifier(head_version.path)
    assert tells_scores(teacher)
    logits = teacher.raw_scores([sample.text for sample in samples]).logits
    expected = softmax(logits, head_version.manifest.calibration.temperature)
    assert np.allclose(found, expected, atol=1e-6)


def test_of_units_that_it_has_not_learned_a_teacher_says_nothing(
    head_version: TrainedVersion,
) -> None:
    samples = [*themed_samples(2), Sample("河道里有垃圾", "D")]

    found = teacher_probabilities(
        head_version.name, head_version.path.parent, samples, ("A", "B", "D")
    )

    # C is not taught here: what it would get is divided; D's ticket keeps its label
    assert np.allclose(found[:4].sum(axis=1), 1)
    assert (found[:, 2] == 0).all()
    assert found[-1].tolist() == [0, 0, 0]
    assert (found[:4].argmax(axis=1) == [0, 0, 1, 1]).all()


def test_a_teacher_that_cannot_teach_is_refused(
    head_version: TrainedVersion, tmp_path: Path
) -> None:
    samples = themed_samples(2)
    constant = train_constant(samples, UNITS, models_dir=tmp_path, error_target=1.0)

    for name in ("none", "../none", "."):
        with pytest.raises(InputError, match="there is no model version"):
            teacher_probabilities(name, tmp_path, samples, TAUGHT)
    with pytest.raises(InputError, match="always answers the same: name a linear or an LLM"):
        teacher_probabilities(constant.name, tmp_path, samples, TAUGHT)
    strangers = [replace(sample, unit="X") for sample in samples]
    with pytest.raises(InputError, match="has learned none of the 1 units"):
        teacher_probabilities(head_version.name, head_version.path.parent, strangers, ("X",))


def test_a_damaged_or_an_old_teacher_is_refused(tmp_path: Path) -> None:
    samples = themed_samples(10)
    old, damaged = (
        train_linear(samples, UNITS, models_dir=tmp_path / n, error_target=1.0) for n in "ab"
    )
    facts = old.manifest.training.model_dump() | {"settings": {"c": 30.0}}
    rewrite_manifest(old.path, training=facts)
    (damaged.path / "vocabulary.json").write_text("{}")

    with pytest.raises(InputError, match="tells no setting of a linear model"):
        teacher_probabilities(old.name, old.path.parent, samples, TAUGHT)
    with pytest.raises(ModelVersionError, match="was changed after training"):
        teacher_probabilities(damaged.name, damaged.path.parent, samples, TAUGHT)
