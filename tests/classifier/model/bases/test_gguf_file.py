"""A GGUF file that cannot be converted is refused before, and told why."""

import sys
from pathlib import Path
from typing import Any

import pytest

from classifier.model.bases.entries import add_base
from classifier.model.bases.gguf_file import gguf_of, read_gguf
from core.errors import ModelVersionError
from tests.support.gguf import write_gguf
from tests.support.models import random_base


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gguf")
    return write_gguf(random_base(folder / "source"), folder / "tiny.gguf")


def test_a_files_tokens_are_found_by_their_roles(file: Path) -> None:
    read = read_gguf(file, "tiny")

    assert [read.token(role) for role in ("bos", "eos", "unknown")] == [
        "<|begin|>",
        "<|end|>",
        None,
    ]
    assert read.of_model("block_count") == 2
    assert "blk.1.attn_q.weight" in read.tensors


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"general__architecture": "gemma3"}, "is of the architecture gemma3 (there are llama,"),
        ({"split__count": 3}, "is one of 3 parts (llama-gguf-split --merge"),
        ({"qwen2__expert_count": 8}, "is a mixture of experts"),
        ({"qwen2__attention__sliding_window": 4096}, "has layers that see a window only"),
        ({"qwen2__rope__scaling__type": "yarn"}, "scales its rotary embeddings"),
    ],
)
def test_what_would_be_converted_wrongly_is_refused(
    tmp_path: Path, bases: Path, metadata: dict[str, Any], told: str
) -> None:
    file = write_gguf(random_base(tmp_path / "source"), tmp_path / "tiny.gguf", **metadata)

    with pytest.raises(ModelVersionError, match="base tiny: ") as refused:
        add_base(str(file), bases)

    assert told in str(refused.value)
    assert "add the model it was made from, with its safetensors" in str(refused.value)
    assert not bases.exists()


@pytest.mark.parametrize("kept", [0, 3, 30, 5_000, -1000])
def test_a_file_cut_off_is_refused(file: Path, tmp_path: Path, bases: Path, kept: int) -> None:
    broken = tmp_path / "tiny.gguf"
    broken.write_bytes(file.read_bytes()[:kept])

    with pytest.raises(
        ModelVersionError, match="is no GGUF file, or damaged or cut off"
    ) as refused:
        add_base(str(broken), bases)

    assert "\n" not in str(refused.value)


def test_of_a_directory_the_only_file_is_taken(file: Path, tmp_path: Path) -> None:
    assert gguf_of(file) == file
    (tmp_path / "a.gguf").touch()
    assert gguf_of(tmp_path) == tmp_path / "a.gguf"
    (tmp_path / "b.gguf").touch()
    with pytest.raises(ModelVersionError, match=r"holds 2 GGUF files, a\.gguf for example"):
        gguf_of(tmp_path)
    (tmp_path / "model.safetensors").touch()
    assert gguf_of(tmp_path) is None


def test_without_the_package_it_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)

    with pytest.raises(ModuleNotFoundError, match="gguf") as missing:
        read_gguf(file, "tiny")

    assert missing.value.name == "gguf"  # so that the command line names the extra
