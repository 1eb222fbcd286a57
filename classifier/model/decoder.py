"""The decoder layer of Llama, Qwen2 and Qwen3 as functions over a forward's tokens, to be compiled.

It computes what transformers' layers do, with attention over the KV cache. Of the last layer only
the tokens asked after are computed. Norms and rotary embeddings are computed in float32.
"""

from dataclasses import dataclass
from typing import Any, Self

import torch
from torch.nn.attention.flex_attention import FlexKernelOptions, flex_attention

from classifier.model.kv_cache import head_size
from classifier.model.layer_weights import LayerWeights
from classifier.model.linear_weights import product
from classifier.model.rotary import rotate
from classifier.model.visibility import Visibility

# Shared memory of a block under which attention takes smaller tiles (an RTX 4090's).
_SMALL_SHARED_BYTES = 110_000
_SMALL_TILES: FlexKernelOptions = {"BLOCK_M": 64, "BLOCK_N": 64, "num_stages": 2, "num_warps": 4}


def kernel_options(device: torch.device) -> FlexKernelOptions | None:
    """Return flex_attention's options: smaller tiles where shared memory is small."""
    if device.type != "cuda":
        return None
    options: FlexKernelOptions = {"FORCE_USE_FLEX_ATTENTION": True}
    properties: Any = torch.cuda.get_device_properties(device)
    if properties.shared_memory_per_block_optin < _SMALL_SHARED_BYTES:
        options |= _SMALL_TILES
    return options


def norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    """Return x over its root mean square, times ``weight``; rounded once."""
    wide = x.float()
    scaled = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
    return (weight.float() * scaled).to(x.dtype)


@dataclass(frozen=True, slots=True)
class DecoderLayer:
    """A decoder layer as functions of its weights: all layers of a model share one.

    Parameters:
        heads: of the queries.
        kv_heads: of the keys and values.
        head_size: of each.
        eps: of the norms.
        options: of flex_attention's kernel.
    """

    heads: int
    kv_heads: int
    head_size: int
    eps: float
    options: FlexKernelOptions | None = None

    @classmethod
    def of(cls, config: Any, device: torch.device) -> Self:
        """Return the layer of a model by its configuration."""
        return cls(
            config.num_attention_heads,
            config.num_key_value_heads,
            head_size(config),
            config.rms_norm_eps,
            kernel_options(device),
        )

    def forward(
        self,
        hidden: torch.Tensor,
        weights: LayerWeights,
        rope: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        rows: torch.Tensor,
        visible: Visibility,
    ) -> torch.Tensor:
        """Cache the keys and values of all tokens; return their (b, 128, hidden).

        Args:
            hidden: (b, 128, hidden).
            weights: the layer's.
            rope: cos and sin, (b, 128, 2, head size) float32.
            keys: of this layer in the cache, (rows, key-value heads, head size).
            values: likewise.
            rows: (b, 128) int32, where the tokens' own go.
            visible: which rows each token sees.
        """
        flat = hidden.flatten(0, 1)
        x = norm(flat, weights.attention_norm, self.eps)
        self._cache(x, weights, rope, keys, values, rows)
        return self._output(flat, x, weights, rope, keys, values, visible).view_as(hidden)

    def cache_keys_values(
        self,
        hidden: torch.Tensor,
        weights: LayerWeights,
        rope: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        rows: torch.Tensor,
    ) -> None:
        """Cache the keys and values of all tokens and do no more; see ``forward``."""
        x = norm(hidden.flatten(0, 1), weights.attention_norm, self.eps)
        self._cache(x, weights, rope, keys, values, rows)

    def forward_asked(
        self,
        hidden: torch.Tensor,
        weights: LayerWeights,
        rope: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        visible: Visibility,
        last_norm: torch.Tensor,
    ) -> torch.Tensor:
        """Return (s, hidden), after the last norm, of the tokens asked after.

        Their keys and values are cached already.

        Args:
            hidden: (b, 128, hidden), of s = 128 b tokens.
            weights: of the last layer.
            rope: of these tokens.
            keys: of all, as in ``forward``.
            values: of all.
            visible: to these tokens.
            last_norm: (hidden,), the weight of the norm after the layers.
        """
        flat = hidden.flatten(0, 1)
        x = norm(flat, weights.attention_norm, self.eps)
        return norm(
            self._output(flat, x, weights, rope, keys, values, visible), last_norm, self.eps
        )

    def _cache(
        self,
        x: torch.Tensor,
        weights: LayerWeights,
        rope: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        rows: torch.Tensor,
    ) -> None:
        places = rows.flatten().long()
        keys[places] = self._heads(product(x, weights.k), weights.k_norm, rope)
        values[places] = product(x, weights.v).view(-1, self.kv_heads, self.head_size)

    def _heads(
        self, x: torch.Tensor, weight: torch.Tensor | None, rope: torch.Tensor
    ) -> torch.Tensor:
        """Return (n, heads, head size), rotated, normed before that where there is a weight."""
        parts = x.view(-1, x.shape[1] // self.head_size, self.head_size)
        return rotate(parts if weight is None else norm(parts, weight, self.eps), rope)

    def _output(
        self,
        hidden: torch.Tensor,
        x: torch.Tensor,
        weights: LayerWeights,
        rope: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        visible: Visibility,
    ) -> torch.Tensor:
        query = self._heads(product(x, weights.q), weights.q_norm, rope)
        found = flex_attention(
            query.transpose(0, 1)[None],
            keys.transpose(0, 1)[None],
            values.transpose(0, 1)[None],
            block_mask=visible.block_mask(),
            enable_gqa=True,
            kernel_options=self.options,
        )
        assert isinstance(found, torch.Tensor)
        found = found[0].transpose(0, 1).reshape(-1, self.heads * self.head_size)
        hidden = hidden + product(found, weights.o)
        x = norm(hidden, weights.mlp_norm, self.eps)
        gated = torch.nn.functional.silu(product(x, weights.gate)) * product(x, weights.up)
        return hidden + product(gated, weights.down)
