"""Rotary position embeddings, computed in float32."""

from typing import Any

import torch
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from classifier.model.kv_cache import head_size

BY_LENGTH = ("dynamic", "longrope")
"""Kinds of rotary embeddings that change with the length of a text: not computed here."""


class RotaryEmbedding:
    """The rotary embeddings of a model.

    Args:
        config: of the model.
        device: where they are computed.
    """

    def __init__(self, config: Any, device: torch.device) -> None:
        frequencies, self._amplitude = rope_frequencies(config)
        self._frequencies = frequencies.to(device)

    def at(self, positions: torch.Tensor) -> torch.Tensor:
        """Return cos and sin, (b, 128, 2, head size) float32, of (b, 128) positions."""
        turns = positions[..., None] * self._frequencies
        angles = torch.cat((turns, turns), dim=-1)
        rope = torch.stack((angles.cos(), angles.sin()), dim=2) * self._amplitude
        torch._dynamo.maybe_mark_dynamic(rope, 0)
        return rope


def rope_frequencies(config: Any) -> tuple[torch.Tensor, float]:
    """Return a config's (head size / 2,) float32 frequencies, and the scale of cos and sin.

    The model's own module is not asked: a library that trained in this process may have rewritten
    transformers' classes.
    """
    parameters = config.rope_parameters
    if parameters["rope_type"] != "default":
        found, scale = ROPE_INIT_FUNCTIONS[parameters["rope_type"]](config, None)
        return found.float(), float(scale)
    size = head_size(config)
    exponents = torch.arange(0, size, 2, dtype=torch.float32) / size
    return 1.0 / parameters["rope_theta"] ** exponents, 1.0


def rotate(x: torch.Tensor, rope: torch.Tensor) -> torch.Tensor:
    """Return (n, heads, head size), rotated by what ``RotaryEmbedding.at`` made."""
    cos, sin = rope.flatten(0, 1).unbind(1)
    wide = x.float()
    low, high = wide.chunk(2, dim=-1)
    turned = wide * cos[:, None] + torch.cat((-high, low), dim=-1) * sin[:, None]
    return turned.to(x.dtype)
