"""An adapter's two files, as peft writes them: read, and checked against the model."""

import math
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load as load_tensors
from torch import nn

from classifier.manifest import Manifest, damaged
from classifier.model.lora import Adapter, LayerAdapter, LoraLinear, lora_layers
from classifier.tensor_file import read_tensors
from classifier.version_files import read_file
from core.json_text import parse_json

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
    "target_parameters",
    "trainable_token_indices",
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "use_bdlora",
    "use_qalora",
)
# Options that must have one of these values. Other beginnings of A and B change the base's weights.
_NEEDED: dict[str, tuple[object, ...]] = {
    "peft_type": ("LORA",),
    "bias": ("none",),
    "init_lora_weights": (True, False, "gaussian", "orthogonal", "eva"),
}
_TYPES = ("F32", "F16", "BF16")


def load_adapter(
    directory: Path, manifest: Manifest, model: nn.Module, device: torch.device | None = None
) -> Adapter:
    """Read a version's adapter for a model, to a device; by default to the model's.

    Raises:
        ModelVersionError: a file is missing or changed, or see ``parse_adapter``.
    """
    config, weights = (read_file(directory, manifest, name) for name in (CONFIG, WEIGHTS))
    return parse_adapter(directory, config, weights, model, device)


def parse_adapter(
    directory: Path,
    config: bytes,
    weights: bytes,
    model: nn.Module,
    device: torch.device | None = None,
) -> Adapter:
    """Take an adapter as peft writes it.

    Args:
        directory: where it lies, for messages.
        config: the content of ``CONFIG``.
        weights: the content of ``WEIGHTS``.
        model: for which it must have been made.
        device: where to; that of each layer by default.

    Raises:
        ModelVersionError: a layer's adapter is missing, is of another rank or shape, or is of
            a form that Paidan does not compute.
    """
    targets, rank, scale = _read_config(directory / CONFIG, config)
    path = directory / WEIGHTS
    tensors = read_tensors(path, weights, load_tensors, _TYPES)
    parts = _by_layer(path, tensors)
    layers: dict[str, LayerAdapter] = {}
    for name, layer in lora_layers(model):
        if name.rpartition(".")[2] in targets:
            layers[name] = _fit(path, name, layer, parts.pop(name, {}), (rank, scale), device)
    if parts or not layers:
        strange = min(parts, default="no layer at all")
        raise damaged(path, f"adapts {strange}, which the base does not have")
    return Adapter(layers)


def _read_config(path: Path, content: bytes) -> tuple[frozenset[str], int, float]:
    """Return the adapted layers' names, the rank, and the scale of B·A."""
    try:
        config = parse_json(content)
        rank, alpha, targets = config["r"], float(config["lora_alpha"]), config["target_modules"]
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise damaged(path, f"not an adapter's configuration ({error!r})") from error
    if type(rank) is not int or rank < 1:
        raise damaged(path, f"r is {rank!r}, a whole number from 1 is expected")
    if not math.isfinite(alpha) or alpha <= 0:
        raise damaged(path, f"lora_alpha is {alpha}, a number over 0 is expected")
    if not isinstance(targets, list) or not all(isinstance(name, str) for name in targets):
        raise damaged(path, "target_modules is no list of layers' names")
    for option, value in config.items():
        if (option in _REFUSED and value) or (option in _NEEDED and value not in _NEEDED[option]):
            raise damaged(path, f"{option} is {value!r}, which Paidan does not serve")
    return frozenset(targets), rank, alpha / rank


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
    sizes: tuple[int, float],
    device: torch.device | None,
) -> LayerAdapter:
    """Check a layer's A and B, of a rank and scale, and bring them to its dtype and a device."""
    rank, scale = sizes
    shapes = {"A": (rank, layer.in_features), "B": (layer.out_features, rank)}
    for part, shape in shapes.items():
        tensor = parts.get(part)
        if tensor is None:
            raise damaged(path, f"lacks {name}.lora_{part}.weight")
        if tuple(tensor.shape) != shape:
            raise damaged(
                path, f"{name}.lora_{part}.weight is {tuple(tensor.shape)}, {shape} is expected"
            )
    a, b = (parts[part].to(layer.dtype) for part in "AB")
    for part, tensor in (("A", a), ("B", b)):  # in that type: float16 holds less than float32
        if not torch.isfinite(tensor).all():
            raise damaged(path, f"{name}.lora_{part}.weight holds values that are not finite")
    place = device or layer.weight.device
    return LayerAdapter(a.to(place), b.to(place), scale)
