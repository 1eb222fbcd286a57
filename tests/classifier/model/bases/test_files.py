"""What is no base, or is there in part, is called what it is."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from classifier.model.bases.files import INDEX, WEIGHTS
from tests.support.bases import assert_refused, shard


def put_pointer(source: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 42\n"
    (source / WEIGHTS).write_text(pointer)


def to_pickle(source: Path) -> None:
    torch.save(load_file(source / WEIGHTS), source / "pytorch_model.bin")
    (source / WEIGHTS).unlink()


def to_adapter(source: Path) -> None:
    (source / WEIGHTS).rename(source / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "base_model_name_or_path": "Qwen/Qwen2.5-7B"}
    (source / "adapter_config.json").write_text(json.dumps(config))


def to_sentencepiece(source: Path) -> None:
    (source / "tokenizer.json").rename(source / "tokenizer.model")


def lose_a_shard(source: Path) -> None:
    shard(source)
    (source / "model-00002-of-00002.safetensors").unlink()


def lose_the_index(source: Path) -> None:
    shard(source)
    (source / INDEX).unlink()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (put_pointer, "pointers of Git LFS instead of model.safetensors: fetch the files with"),
        (to_pickle, "a pickle (pytorch_model.bin): weights must be safetensors"),
        (to_adapter, "is an adapter and no base: add the base it was trained on (Qwen/Qwen2.5-7B)"),
        (to_sentencepiece, "has tokenizer.model alone: make its tokenizer.json"),
        (lose_a_shard, "model-00002-of-00002.safetensors is missing: was all of it fetched?"),
        (lose_the_index, f"holds 2 parts of weights without {INDEX}"),
        (lambda s: (s / "config.json").write_bytes(b"[" * 99_999), "cannot be read (it is nested"),
        (lambda s: (s / "config.json").write_bytes(b"\xff" * 9), "cannot be read (it is not UTF-8"),
        (lambda s: shard(s) or (s / INDEX).write_text("{}"), "names no file of weights"),
    ],
)
def test_what_is_no_whole_base_is_refused_in_one_line(
    source: Path, tmp_path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(source)

    assert_refused(source, tmp_path / "bases", told)
