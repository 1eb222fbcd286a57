"""An export is made of an LLM and its very base."""

from pathlib import Path

import pytest

from classifier.model.bases.files import WEIGHTS
from core.errors import InputError, ModelVersionError
from registry.export.source import Source
from tests.support.llm_versions import added_base, random_llm
from tests.support.versions import write_toy_version


def test_a_version_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is of kind toy: LLM versions alone are exported"):
        Source.open(write_toy_version(tmp_path))


def test_a_base_that_was_exchanged_is_refused(tmp_path: Path) -> None:
    base = added_base(tmp_path, tmp_path, "qwen2")
    version = random_llm(tmp_path, base)
    with (base.path / WEIGHTS).open("r+b") as file:
        file.truncate(1000)

    with pytest.raises(ModelVersionError, match="was changed since the base was added"):
        Source.open(version.path)
