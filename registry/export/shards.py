"""Weights as safetensors, in files of a limited size, with the index that transformers reads."""

import json
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors.torch import save_file

from classifier.model.bases.files import INDEX, WEIGHTS

SHARD_BYTES = 5 * 10**9
"""As the hub's files are; about so much memory an export takes."""


def write_shards(
    folder: Path, tensors: Iterable[tuple[str, torch.Tensor]], limit: int = SHARD_BYTES
) -> None:
    """Write tensors as they come: one file where all fit, else several and an index.

    Args:
        folder: where.
        tensors: names and values.
        limit: bytes of a file; a tensor that is larger has one of its own.

    Raises:
        OSError, SafetensorError: a file cannot be written.
    """
    shards: list[dict[str, int]] = []
    pending: dict[str, torch.Tensor] = {}
    for name, tensor in tensors:
        if pending and sum(map(_size, pending.values())) + _size(tensor) > limit:
            shards.append(_write(folder, len(shards), pending))
            pending = {}
        pending[name] = tensor.contiguous()
    shards.append(_write(folder, len(shards), pending))
    if len(shards) == 1:
        _numbered(folder, 0).rename(folder / WEIGHTS)
        return
    weight_map: dict[str, str] = {}
    for number, sizes in enumerate(shards):
        name = f"model-{number + 1:05d}-of-{len(shards):05d}.safetensors"
        _numbered(folder, number).rename(folder / name)
        weight_map |= dict.fromkeys(sizes, name)
    total = sum(size for sizes in shards for size in sizes.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", "utf-8")


def _write(folder: Path, number: int, tensors: dict[str, torch.Tensor]) -> dict[str, int]:
    """Write a file under a name for the time being; return its tensors' sizes in bytes."""
    save_file(tensors, _numbered(folder, number), metadata={"format": "pt"})
    return {name: _size(tensor) for name, tensor in tensors.items()}


def _numbered(folder: Path, number: int) -> Path:
    return folder / f"shard-{number}"


def _size(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()
