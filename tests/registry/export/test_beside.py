"""What lies beside an exported model: nothing that another program would take for its weights."""

import json
from pathlib import Path

from classifier import linear_model
from classifier.labels.head import HEAD
from classifier.llm import LlmClassifier
from registry.export.beside import BESIDE, PROMPT, write_beside
from registry.export.source import Source
from registry.writer import TrainedVersion
from tests.support.linear import toy_weights
from tests.support.llm_versions import added_base, random_llm


def beside(version: TrainedVersion, out: Path) -> Path:
    out.mkdir()
    write_beside(Source.open(version.path), out)
    assert [path.name for path in out.iterdir()] == [BESIDE]
    return out / BESIDE


def test_the_prompt_is_the_versions_in_tokens(tmp_path: Path) -> None:
    version = random_llm(tmp_path, added_base(tmp_path, tmp_path, "qwen2"))

    told = json.loads((beside(version, tmp_path / "out") / PROMPT).read_text("utf-8"))

    prompt = LlmClassifier.load(version.path).engine.prompt
    assert (told["prefix"], told["suffix"]) == (list(prompt.prefix), list(prompt.suffix))
    assert told["names"] == {code: list(name) for code, name in prompt.labels.items()}
    assert (told["room"], told["units"]["A"]) == (prompt.room, "甲局")
    assert (told["answers_by"], told["taught"]) == ("head", ["A", "B", "C"])
    assert (told["temperature"], told["linear_weight"]) == (1.5, 0)


def test_head_and_linear_model_are_copied_as_they_are(tmp_path: Path) -> None:
    base = added_base(tmp_path, tmp_path, "qwen2")
    version = random_llm(tmp_path, base, linear=toy_weights())

    folder = beside(version, tmp_path / "out")

    names = {HEAD, linear_model.WEIGHTS, linear_model.VOCABULARY}
    assert {path.name for path in folder.iterdir()} == {PROMPT, *names}
    for name in names:
        assert (folder / name).read_bytes() == (version.path / name).read_bytes()
    assert json.loads((folder / PROMPT).read_text("utf-8"))["linear_weight"] == 0.5
