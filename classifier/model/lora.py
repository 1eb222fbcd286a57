"""Linear layers that keep their weight in 4 bits and add a LoRA adapter exactly.

y = x·Wᵀ + b + s·(x·Aᵀ)·Bᵀ; W is an NF4 weight of bitsandbytes (Dettmers et al., "QLoRA", 2023) that
is dequantised for each product, or a plain one. The adapter is never merged into W: a merged weight
would have to be rounded to 4 bits again, which is another model than the one that was trained.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from bitsandbytes.functional import dequantize_4bit
from bitsandbytes.nn import Linear4bit
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import nn
from torch.nn.functional import linear

from classifier.manifest import Manifest, damaged, read_file
from classifier.model.nf4 import Packed, nf4_weight, pack

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"

# peft's name of a layer's adapter: the layer's path in the model, then A or B.
_KEY = re.compile(r"base_model\.model\.(?P<layer>.+)\.lora_(?P<part>[AB])\.weight")
# Options of peft that change what a layer computes; Paidan's training uses none of them.
_REFUSED = (
    "use_dora",
    "use_rslora",
    "fan_in_fan_out",
    "modules_to_save",
    "rank_pattern",
    "alpha_pattern",
    "layer_replication",
    "lora_bias",
)


@dataclass(frozen=True, slots=True)
class LayerAdapter:
    """A layer's adapter: ``a`` (rank, in), ``b`` (out, rank), and the scale of their product."""

    a: torch.Tensor
    b: torch.Tensor
    scale: float


class LoraLinear(nn.Module):
    """A linear layer, from bitsandbytes' 4-bit one or a plain one, with room for an adapter.

    Args:
        layer: the layer whose weight and bias it takes over.
        dtype: of the computation.
    """

    def __init__(self, layer: nn.Linear, dtype: torch.dtype) -> None:
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.dtype = dtype
        self.weight, self.bias = layer.weight, layer.bias
        if isinstance(layer, Linear4bit):
            # Weight and layer refer to each other there: only Python's collector, when it passes
            # by, would free the memory of one that is let go.
            layer.weight.module = None
        self.packed: Packed | None = None
        self.adapter: LayerAdapter | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (…, out) for (…, in)."""
        y = linear(x, self.full_weight(), self.bias)
        if self.adapter is not None:
            y = y + self.adapter.scale * linear(linear(x, self.adapter.a), self.adapter.b)
        return y

    def full_weight(self) -> torch.Tensor:
        """Return the base weight without adapter, (out, in), in the dtype of the computation."""
        if self.packed is not None:
            codes, scales = self.packed.codes, self.packed.scales
            full: torch.Tensor = nf4_weight(codes, scales, None, None, self.dtype)
            return full
        state = getattr(self.weight, "quant_state", None)
        if state is None:
            return self.weight
        weight: torch.Tensor = dequantize_4bit(self.weight.data, state)
        return weight.to(self.dtype)

    def pack(self) -> None:
        """Take a 4-bit weight as the kernel of ``nf4`` reads it; bitsandbytes' own is let go.

        Raises:
            ValueError: see ``nf4.pack``.
        """
        if self.packed is None and getattr(self.weight, "quant_state", None) is not None:
            self.packed = pack(self.weight)
            self.weight = nn.Parameter(self.weight.data.new_empty(0), requires_grad=False)


def replace_linears(model: nn.Module, dtype: torch.dtype) -> None:
    """Put a ``LoraLinear`` in the place of each linear layer below ``model``."""
    for _, parent, name, layer in _linears(model):
        setattr(parent, name, LoraLinear(layer, dtype))


def _linears(model: nn.Module) -> list[tuple[str, nn.Module, str, nn.Linear]]:
    """Return each linear layer: its path, its parent, its name there, itself."""
    return [
        (f"{path}.{name}" if path else name, parent, name, child)
        for path, parent in list(model.named_modules())
        for name, child in parent.named_children()
        if isinstance(child, nn.Linear | Linear4bit)
    ]


class Adapter:
    """A LoRA adapter for a loaded model.

    Parameters:
        layers: path of a layer in the model -> its adapter.
    """

    def __init__(self, layers: Mapping[str, LayerAdapter]) -> None:
        self.layers = layers

    def activate(self, model: nn.Module) -> None:
        """Let the model compute with this adapter from now on."""
        for path, layer in lora_layers(model):
            layer.adapter = self.layers.get(path)

    @classmethod
    def load(cls, directory: Path, manifest: Manifest, model: nn.Module) -> Self:
        """Read a version's adapter for a model.

        Raises:
            ModelVersionError: a file is missing or changed, or see ``parse``.
        """
        config, weights = (read_file(directory, manifest, name) for name in (CONFIG, WEIGHTS))
        return cls.parse(directory, config, weights, model)

    @classmethod
    def parse(cls, directory: Path, config: bytes, weights: bytes, model: nn.Module) -> Self:
        """Take an adapter as peft writes it.

        Args:
            directory: where it lies, for messages.
            config: the content of ``CONFIG``.
            weights: the content of ``WEIGHTS``.
            model: for which it must have been made.

        Raises:
            ModelVersionError: a layer's adapter is missing, is of another rank or shape, or is of
                a form that Paidan does not compute.
        """
        targets, rank, scale = _read_config(directory / CONFIG, config)
        path = directory / WEIGHTS
        try:
            tensors = load_tensors(weights)
        except SafetensorError as error:
            raise damaged(path, f"not a safetensors file ({error})") from error
        parts = _by_layer(path, tensors)
        layers: dict[str, LayerAdapter] = {}
        for name, layer in lora_layers(model):
            if name.rpartition(".")[2] in targets:
                layers[name] = _fit(path, name, layer, parts.pop(name, {}), rank, scale)
        if parts or not layers:
            strange = min(parts, default="no layer at all")
            raise damaged(path, f"adapts {strange}, which the base does not have")
        return cls(layers)


def _read_config(path: Path, content: bytes) -> tuple[frozenset[str], int, float]:
    """Return the adapted layers' names, the rank, and the scale of B·A."""
    try:
        config = json.loads(content)
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
        targets = frozenset(config["target_modules"])
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(path, f"not an adapter's configuration ({error!r})") from error
    for option in _REFUSED:
        if config.get(option):
            raise damaged(path, f"{option} is {config[option]!r}, which Paidan does not serve")
    if rank < 1:
        raise damaged(path, f"r is {rank}")
    return targets, rank, alpha / rank


def lora_layers(model: nn.Module) -> Iterator[tuple[str, LoraLinear]]:
    """Yield each layer that can carry an adapter, with its path."""
    for path, module in model.named_modules():
        if isinstance(module, LoraLinear):
            yield path, module


def _by_layer(
    path: Path, tensors: Mapping[str, torch.Tensor]
) -> dict[str, dict[str, torch.Tensor]]:
    parts: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        match = _KEY.fullmatch(key)
        if match is None:
            raise damaged(path, f"holds {key!r}, which is no layer's A or B")
        parts.setdefault(match["layer"], {})[match["part"]] = tensor
    return parts


def _fit(
    path: Path,
    name: str,
    layer: LoraLinear,
    parts: Mapping[str, torch.Tensor],
    rank: int,
    scale: float,
) -> LayerAdapter:
    """Check a layer's A and B and bring them to the layer's device and dtype."""
    shapes = {"A": (rank, layer.in_features), "B": (layer.out_features, rank)}
    for part, shape in shapes.items():
        tensor = parts.get(part)
        if tensor is None:
            raise damaged(path, f"lacks {name}.lora_{part}.weight")
        if tuple(tensor.shape) != shape:
            raise damaged(
                path, f"{name}.lora_{part}.weight is {tuple(tensor.shape)}, {shape} is expected"
            )
        if not torch.isfinite(tensor).all():
            raise damaged(path, f"{name}.lora_{part}.weight holds values that are not finite")
    a, b = (parts[part].to(layer.weight.device, layer.dtype) for part in "AB")
    return LayerAdapter(a, b, scale)
