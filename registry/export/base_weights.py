"""A base's weights, one tensor after the other, as they are served.

Paidan trains and serves on a base rounded to NF4 (all modes but ``full``). An adapter was learned
to go with the rounded weights, so these are what it is added to.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import torch
from bitsandbytes.functional import QuantState, dequantize_4bit, quantize_4bit
from safetensors import safe_open

from classifier.model.bases.base import Base
from classifier.model.bases.files import weight_files

_CPU = torch.device("cpu")
_MARK = "quant_state.bitsandbytes__nf4"
_PARTS = ("absmax", "quant_map", "nested_absmax", "nested_quant_map", _MARK)


def served_weights(base: Base, rounded: frozenset[str]) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield each tensor of a base with its name, dequantised where the base is in four bits.

    Args:
        base: its files are intact.
        rounded: names of the matrices that serving keeps in NF4; they are rounded alike here, and
            keep the type that they have in the file.

    Raises:
        SafetensorError: a file cannot be read.
    """
    with ExitStack() as opened:
        files = [
            opened.enter_context(safe_open(base.path / name, framework="pt"))
            for name in weight_files(base.path, base.name)
        ]
        places = {key: file for file in files for key in file.keys()}  # noqa: SIM118 - no mapping
        beside = {f"{key}.{part}" for key in places for part in _PARTS}
        for key, file in places.items():
            if key in beside:
                continue
            tensor = file.get_tensor(key)
            if f"{key}.{_MARK}" in places:
                tensor = _unpacked(key, tensor, places)
            elif key in rounded:
                tensor = _rounded(tensor)
            yield key, tensor


def _rounded(weight: torch.Tensor) -> torch.Tensor:
    """Return a matrix through NF4 and back, as ``quantization.nf4_config`` has it."""
    packed, state = quantize_4bit(
        weight.float().contiguous(), compress_statistics=True, quant_type="nf4"
    )
    full: torch.Tensor = dequantize_4bit(packed, state)
    return full.to(weight.dtype)


def _unpacked(key: str, packed: torch.Tensor, places: Mapping[str, Any]) -> torch.Tensor:
    """Return a matrix that the base holds in NF4, in the type it was made from."""
    kept = {part: f"{key}.{part}" for part in _PARTS if f"{key}.{part}" in places}
    parts = {part: places[name].get_tensor(name) for part, name in kept.items()}
    state = QuantState.from_dict(parts, _CPU)
    full: torch.Tensor = dequantize_4bit(packed, state)
    return full.to(state.dtype)
