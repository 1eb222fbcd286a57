"""Training an LLM version: what it tells and what it writes."""

import json

from classifier.model.adapter_file import CONFIG, WEIGHTS
from classifier.model.bases.entries import STAND_IN
from classifier.setup import SETUP
from classifier.version_files import read_manifest
from registry.writer import TrainedVersion
from tests.support.models import STANDIN
from tests.support.told import Told


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
