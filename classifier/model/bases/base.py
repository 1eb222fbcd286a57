"""A base model: its facts, and what its files hash to."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

from classifier.model.bases.files import (
    RECIPE,
    TOKENIZER_FILES,
    USED_FILES,
    read_json,
    weight_files,
)
from classifier.model.bases.weights import check_tensors
from core.errors import ModelVersionError

ARCHITECTURES = ("Qwen2ForCausalLM", "Qwen3ForCausalLM", "LlamaForCausalLM")

_HASHED_AT_LOAD_BYTES = 32 * 2**20


class Base(BaseModel):
    """What is known of a base model.

    Parameters:
        name: by which people and versions call it.
        path: its directory.
        architecture: the class of transformers that computes it.
        files: sha256 (hex) of each file that is used.
        sizes: their sizes in bytes, checked at each load, where hashing 15 GB would take a minute.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    path: Path
    architecture: str
    files: dict[str, str]
    sizes: dict[str, int]

    @model_validator(mode="after")
    def _knows_each_file(self) -> Self:
        if self.files.keys() != self.sizes.keys():
            raise ValueError("files and sizes are not of the same files")
        return self

    @property
    def sha256(self) -> str:
        """One hash (hex) over configuration and weights: what an adapter was trained on."""
        return _digest_of(self.files, lambda name: name not in (*TOKENIZER_FILES, RECIPE))

    @property
    def tokenizer_sha256(self) -> str:
        """One hash (hex) over the tokenizer's files."""
        return _digest_of(self.files, lambda name: name in TOKENIZER_FILES)

    def check(self) -> None:
        """Check that no file was exchanged since it was added, and that the weights are complete.

        Of large files the sizes are compared, of small ones the hashes. The weights' names and
        shapes are compared with the architecture: what is missing would be random numbers.

        Raises:
            ModelVersionError: a file was exchanged, or the weights do not fit; names what.
        """
        for name, size in self.sizes.items():
            path = self.path / name
            if not path.is_file():
                raise ModelVersionError(
                    f"base {self.name}: {path} is missing: restore it, or add the base again: "
                    f"paidan base add {self.path}"
                )
            changed = path.stat().st_size != size
            if not changed and size < _HASHED_AT_LOAD_BYTES:
                changed = _sha256(path) != self.files[name]
            if changed:
                raise ModelVersionError(
                    f"base {self.name}: {path} was changed since the base was added: restore it, "
                    "or add the base under another name and train on that"
                )
        check_tensors(self.path, self.name)


def examine(path: Path, name: str) -> Base:
    """Read a base's configuration and hash its files.

    Raises:
        ModelVersionError: a file is missing, or the architecture is none that Paidan computes.
    """
    config = read_json(path / "config.json", name)
    architecture = (config.get("architectures") or ["none"])[0]
    if architecture not in ARCHITECTURES:
        raise ModelVersionError(
            f"base {name}: {path / 'config.json'} names the architecture {architecture} "
            f'("architectures"), Paidan computes {", ".join(ARCHITECTURES)}'
        )
    found = sorted({file for pattern in USED_FILES for file in path.glob(pattern)})
    names = [file.name for file in found]
    needed = ["config.json", "tokenizer.json", *weight_files(path, name)]
    for missing in [file for file in needed if file not in names]:
        raise ModelVersionError(f"base {name}: {path / missing} is missing: was all of it fetched?")
    return Base(
        name=name,
        path=path,
        architecture=architecture,
        files={file.name: _sha256(file) for file in found},
        sizes={file.name: file.stat().st_size for file in found},
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_of(files: Mapping[str, str], wanted: Any) -> str:
    lines = "".join(f"{files[name]}  {name}\n" for name in sorted(files) if wanted(name))
    return hashlib.sha256(lines.encode()).hexdigest()
