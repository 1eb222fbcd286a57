"""Each kind of version is opened by its own classifier, or refused with a reason."""

from pathlib import Path

import pytest

from classifier import loading
from classifier.interface import Classifier
from classifier.loading import load_classifier
from core.errors import ModelVersionError
from tests.support.versions import write_toy_version


@pytest.fixture
def version(tmp_path: Path) -> Path:
    return write_toy_version(tmp_path)


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
