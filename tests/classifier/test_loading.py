"""Each kind of version is opened by its own classifier, or refused with a reason."""

from pathlib import Path

import pytest

from classifier import loading
from classifier.constant import PRIOR, ConstantClassifier, save_prior
from classifier.interface import Classifier
from classifier.loading import (
    DEFAULTS,
    Options,
    UnitsNow,
    check_classifier,
    load_classifier,
    shares_base,
)
from core.errors import ModelVersionError
from core.settings import Settings
from registry.writer import write_version
from tests.support.versions import a_manifest, write_toy_version


@pytest.fixture
def version(tmp_path: Path) -> Path:
    return write_toy_version(tmp_path)


@pytest.fixture
def constant(tmp_path: Path) -> Path:
    name = "constant-20261123-201530-ab12cd"
    manifest = a_manifest(name, kind="constant")
    write_version(tmp_path / name, manifest, lambda folder: save_prior(folder, {"A": 3, "B": 6}))
    return tmp_path / name


def test_a_version_is_opened_by_the_classifier_of_its_kind(constant: Path) -> None:
    check_classifier(constant)

    classifier = load_classifier(constant, UnitsNow({"B": "C"}))

    assert isinstance(classifier, ConstantClassifier)
    assert (classifier.version, classifier.units) == (constant.name, {"A", "C"})


def test_a_damaged_version_is_neither_opened_nor_found_in_order(constant: Path) -> None:
    (constant / PRIOR).write_text("{}")

    for opened in (load_classifier, check_classifier):
        with pytest.raises(ModelVersionError, match=f"{PRIOR} was changed"):
            opened(constant)


def test_only_an_llm_shares_its_base(constant: Path, version: Path) -> None:
    serving = load_classifier(constant)

    assert not shares_base(serving, constant, DEFAULTS)
    assert not shares_base(serving, version, DEFAULTS)


def test_settings_say_how_an_llm_is_loaded() -> None:
    settings = Settings(model_mode="fp8", gpu_memory=2**30, think_tokens=64)

    assert Options.of(settings) == Options("fp8", 2**30, 64)


def test_an_unknown_kind_is_refused(version: Path) -> None:
    with pytest.raises(ModelVersionError, match=r"kind 'toy'.*constant, linear"):
        load_classifier(version)


def test_a_kind_whose_libraries_are_missing_names_them(
    version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(directory: Path, mapping: object, options: object) -> Classifier:
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")

    monkeypatch.setitem(loading.KINDS, "toy", load)

    with pytest.raises(ModelVersionError, match=r"needs sklearn.*pip install"):
        load_classifier(version)
