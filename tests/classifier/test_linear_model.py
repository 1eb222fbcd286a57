"""The linear model's files: what is saved is what is read, and what does not fit is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from classifier.linear import LinearClassifier
from classifier.linear_model import VOCABULARY, WEIGHTS, LinearWeights
from classifier.loading import load_classifier
from classifier.ngrams import NGrams, Vocabulary
from classifier.version_files import read_manifest
from core.errors import ModelVersionError
from registry.writer import write_version
from tests.support.linear import toy_manifest, toy_weights

CHARACTERS = {"ngram_range": [1, 1], "vocabulary": ["x", "y"]}


def test_the_scores_of_several_kinds_of_n_grams_are_summed() -> None:
    weights = LinearWeights(
        (
            Vocabulary(NGrams("char", 1, 1), ("x",)),
            Vocabulary(NGrams("word", 1, 1), ("yy", "xx")),
        ),
        np.ones(3, dtype=np.float32),
        np.array([[1, 2, 4], [0, 0, 0]], dtype=np.float32),
        np.array([0, 8], dtype=np.float32),
    )

    assert weights.logits(["xx", "x yy", "z"]).tolist() == [[5, 8], [3, 8], [0, 8]]


def test_a_vocabulary_from_before_there_were_kinds_is_one_of_characters(tmp_path: Path) -> None:
    write = _written(_vocabulary(CHARACTERS))
    write_version(tmp_path / "toy", toy_manifest(), write)

    loaded = LinearWeights.load(tmp_path / "toy", read_manifest(tmp_path / "toy"))

    assert loaded.vocabularies == toy_weights().vocabularies


def test_saved_and_loaded_weights_give_identical_answers(tmp_path: Path) -> None:
    strange = LinearWeights(
        (
            Vocabulary(NGrams("char", 1, 2), ("x", "\ud800", "😀水", '"\n')),
            Vocabulary(NGrams("word", 1, 2), ("xx yy",)),
            Vocabulary(NGrams("char_wb", 2, 2), (" x", "y ")),
        ),
        np.linspace(1, 2, 7, dtype=np.float32),
        np.arange(21, dtype=np.float32).reshape(3, 7),
        np.array([0.1, 0.2, 0.3], dtype=np.float32),
    )
    write_version(tmp_path / "toy", toy_manifest(), strange.save)

    loaded = LinearClassifier.load(tmp_path / "toy")

    texts = ["x😀水", "\ud800", '"\n', "", "xx yy"]
    allowed = [frozenset("ABC")] * len(texts)
    before = LinearClassifier(toy_manifest(), strange).classify(texts, allowed)
    assert loaded.classify(texts, allowed) == before


def _tensor(name: str, change: Callable[..., object]) -> Callable[[Path], None]:
    def damage(directory: Path) -> None:
        tensors = load_file(directory / WEIGHTS)
        changed = change(tensors.pop(name, None))
        tensors |= {} if changed is None else {name: np.asarray(changed)}
        (directory / WEIGHTS).write_bytes(save(tensors))

    return damage


def _vocabulary(content: object) -> Callable[[Path], None]:
    def damage(directory: Path) -> None:
        (directory / VOCABULARY).write_text(json.dumps(content))

    return damage


def _written(damage: Callable[[Path], None]) -> Callable[[Path], None]:
    def write(directory: Path) -> None:
        toy_weights().save(directory)
        damage(directory)

    return write


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda directory: (directory / WEIGHTS).unlink(), f"does not list {WEIGHTS}"),
        (lambda directory: (directory / WEIGHTS).write_bytes(b"x" * 9), "not a safetensors"),
        (_tensor("idf", lambda _: None), "no tensor 'idf'"),
        (_tensor("idf", lambda idf: idf[1:]), r"idf is \(1,\), \(2,\) is expected"),
        (_tensor("coef", lambda coef: coef.T), r"coef is \(2, 3\), \(3, 2\)"),
        (
            _tensor("coef", lambda coef: coef.astype(np.float64)),
            "'coef' is of type 'F64', F32 is expected",
        ),
        (_tensor("intercept", lambda intercept: intercept * np.nan), "not finite"),
        (_tensor("more", lambda _: np.zeros(1, np.float32)), "holds 'more', which no version has"),
        (lambda directory: (directory / VOCABULARY).write_bytes(b"{"), "not a vocabulary"),
        (lambda directory: (directory / VOCABULARY).write_bytes(b"[" * 99_999), "too deeply"),
        (_vocabulary([]), "not a vocabulary"),
        (_vocabulary({"ngram_range": [1, 1]}), "not a vocabulary"),
        (_vocabulary({"ngram_range": [2, 1], "vocabulary": ["x", "y"]}), "no n-grams char 2-1"),
        (_vocabulary({"ngrams": []}), "has no n-grams"),
        (_vocabulary({"ngrams": [{"analyzer": "x", **CHARACTERS}]}), "no n-grams x 1-1"),
        (_vocabulary({"ngrams": [{"analyzer": "word", **CHARACTERS, "vocabulary": []}]}), "has no"),
        (_vocabulary({"ngram_range": [1, 1], "vocabulary": ["x", "x"]}), "twice"),
    ],
)
def test_a_version_whose_content_does_not_fit_is_refused(
    tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    write_version(tmp_path / "toy", toy_manifest(), _written(damage))

    with pytest.raises(ModelVersionError, match=message):
        load_classifier(tmp_path / "toy")
