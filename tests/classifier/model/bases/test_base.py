"""A base's facts: what is missing or not computed is refused, and so is what was changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from classifier.model.bases.entries import add_base
from core.errors import ModelVersionError
from tests.support.bases import assert_refused, configure
from tests.support.models import TOKENIZER_FILES


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda s: (s / "config.json").unlink(), "config.json is missing"),
        (lambda s: (s / "config.json").write_text("{"), "cannot be read"),
        (lambda s: configure(s, architectures=["GPT2LMHeadModel"]), "GPT2LMHeadModel"),
        (lambda s: (s / "model.safetensors").unlink(), "model.safetensors is missing"),
        (lambda s: (s / "tokenizer.json").unlink(), "tokenizer.json is missing"),
    ],
)
def test_a_base_that_does_not_fit_is_refused(
    source: Path, bases: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(source)

    assert_refused(source, bases, told)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", *TOKENIZER_FILES])
def test_a_base_changed_after_it_was_added_is_refused(source: Path, bases: Path, name: str) -> None:
    base = add_base(str(source), bases)
    content = bytearray((source / name).read_bytes())
    content[-2] ^= 1
    (source / name).write_bytes(content)

    with pytest.raises(ModelVersionError, match="was changed since"):
        base.check()
