"""Training an LLM version: what it tells and what it writes."""

import json
from pathlib import Path

import pytest

from classifier.labels.head import HEAD
from classifier.loading import load_classifier
from classifier.model.adapter_file import CONFIG, WEIGHTS
from classifier.model.bases.entries import STAND_IN
from classifier.setup import SETUP, Setup
from classifier.version_files import read_manifest
from core.errors import InputError
from registry.writer import TrainedVersion
from tests.support.llm import THEMES, prompt_units, recipe_with_head, themed_samples, train_test_llm
from tests.support.models import STANDIN
from tests.support.told import Told
from training.adapter.version import train_llm


def test_training_tells_its_lengths_its_steps_and_its_end(
    llm_training: tuple[TrainedVersion, Told],
) -> None:
    version, told = llm_training

    assert "max_seq_length 320, ticket up to" in told.lines[0]
    assert "108 tickets to learn from, 12 held out" in told.lines[1]
    assert told.steps[-1] == (28, 28)
    assert str(version.path) in told.lines[-1]


def test_a_version_holds_all_its_answers_depend_on(llm_version: TrainedVersion) -> None:
    manifest = read_manifest(llm_version.path)
    setup = json.loads((llm_version.path / SETUP).read_text("utf-8"))

    assert manifest.files.keys() == {CONFIG, WEIGHTS, SETUP}
    assert manifest.codes == ("A", "B", "C")
    assert setup["base"] == STAND_IN
    assert setup["base_sha256"] == STANDIN.sha256
    assert manifest.training.settings["lora"]["r"] == 8  # type: ignore[index,call-overload]
    assert manifest.training.settings["through"] == "peft"
    assert setup["answer"]["by"] == "names"


def test_a_version_with_a_head_holds_it_and_answers_by_it(head_version: TrainedVersion) -> None:
    manifest = read_manifest(head_version.path)
    setup = Setup.read(head_version.path, manifest)

    assert manifest.files.keys() == {CONFIG, WEIGHTS, HEAD, SETUP}
    assert setup.answer is not None
    assert setup.answer.by == manifest.metrics["answer"] == "head"
    assert setup.answer.taught == ("A", "B", "C")
    decisions = load_classifier(head_version.path).classify(
        list(THEMES.values()), [frozenset("ABC")] * 3
    )
    assert [decision.unit for decision in decisions] == ["A", "B", "C"]


def test_the_head_alone_can_be_learned(tmp_path: Path) -> None:
    told = Told()

    version = train_test_llm(tmp_path, told, recipe_with_head(names=0))

    assert version.manifest.metrics["answer"] == "head"
    assert "names" not in version.manifest.metrics
    assert "answers by the head: nothing else was learned" in told.lines


def test_what_is_not_learned_is_not_answered_by(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="answering by head is asked for"):
        train_llm(
            themed_samples(),
            prompt_units(),
            STANDIN,
            models_dir=tmp_path,
            progress=Told(),
            recipe=recipe_with_head(head=0),
            answer="head",
        )
