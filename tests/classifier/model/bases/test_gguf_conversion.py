"""A GGUF file becomes a base's directory: the same weights, tokens and marks."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from classifier.model.bases.entries import add_base, find_base
from classifier.model.bases.files import WEIGHTS
from classifier.model.bases.tokenizer import has_thoughts, load_tokenizer
from core.errors import ModelVersionError
from tests.support.gguf import write_gguf
from tests.support.models import random_base

TEXT = "路灯坏了 12 号, the light is broken </think>\n"


@pytest.mark.parametrize("shape", ["qwen2", "qwen3", "tied", "smol"])
def test_a_gguf_is_made_a_base_of_the_same_weights_and_tokens(
    tmp_path: Path, bases: Path, shape: str
) -> None:
    source = random_base(tmp_path / "source", shape)

    added = add_base(str(write_gguf(source, tmp_path / "tiny.gguf")), bases)

    assert (added.name, added.path) == ("tiny", bases / "tiny")
    assert find_base("tiny", bases) == added
    assert added.architecture == source.architecture
    expected, found = (load_file(base.path / WEIGHTS) for base in (source, added))
    assert expected.keys() == found.keys()
    for key, tensor in found.items():
        assert tensor.dtype == torch.bfloat16
        assert torch.equal(tensor, expected[key].bfloat16()), key
    theirs, ours = load_tokenizer(source), load_tokenizer(added)
    assert has_thoughts(ours)
    for role in ("bos_token", "eos_token", "pad_token"):
        assert getattr(ours, role) == getattr(theirs, role)
    assert ours(TEXT)["input_ids"] == theirs(TEXT)["input_ids"]
    assert sorted(path.name for path in bases.iterdir()) == ["tiny", "tiny.json"]


def test_a_name_that_is_taken_is_refused_before_anything_is_converted(
    tmp_path: Path, bases: Path
) -> None:
    file = write_gguf(random_base(tmp_path / "source"), tmp_path / "tiny.gguf")
    added = add_base(str(file), bases)

    with pytest.raises(ModelVersionError, match=r"there is a base tiny in .* already"):
        add_base(str(file), bases)
    (bases / "tiny.json").unlink()
    with pytest.raises(ModelVersionError, match=f"paidan base add {bases / 'tiny'}"):
        add_base(str(file), bases)

    assert add_base(str(bases / "tiny"), bases) == added


def test_tensors_that_transformers_would_drop_are_noticed(tmp_path: Path, bases: Path) -> None:
    source = random_base(tmp_path / "source", "biased")  # its biases are in no llama's metadata

    with pytest.raises(ModelVersionError, match=r"holds \d+ tensors, and LlamaForCausalLM has \d+"):
        add_base(str(write_gguf(source, tmp_path / "tiny.gguf")), bases)

    assert list(bases.iterdir()) == []  # nothing of it is left


def test_metadata_that_does_not_fit_the_weights_is_told(tmp_path: Path, bases: Path) -> None:
    source = random_base(tmp_path / "source")
    file = write_gguf(source, tmp_path / "tiny.gguf", qwen2__embedding_length=64)

    with pytest.raises(ModelVersionError, match="base tiny: ") as refused:
        add_base(str(file), bases)

    assert "\n" not in str(refused.value)
    assert list(bases.iterdir()) == []
