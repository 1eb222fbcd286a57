"""The layers of Qwen2 and Llama as functions over a pack, made to be compiled.

They compute what transformers' layers do, with attention over the key-value store, and of the last
layer only what is asked for. Norms and rotary embeddings are computed in float32.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch.nn.attention.flex_attention import BlockMask, FlexKernelOptions, flex_attention
from torch.nn.functional import linear
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from classifier.model.kv_cache import PAGE, PREFIX
from classifier.model.lora import LoraLinear
from classifier.model.nf4 import RANKS, nf4_weight

FP8_MAX = 448.0
ROPE_BY_LENGTH = ("dynamic", "longrope")
"""Kinds of rotary embeddings that change with the length of a text: not computed here."""


class Linear(NamedTuple):
    """What a linear layer computes with.

    Attributes:
        weight: (out, in / 2) uint8, see ``nf4.Packed``; or (out, in) in a floating-point type.
        scales: (out, in / 64) float32 of NF4; (1, out) float32 of float8; else None.
        a: (rank, in) of the adapter that is still to be added, or None.
        b: (out, rank), the adapter's scale in it, or None.
        bias: (out,) or None.
    """

    weight: torch.Tensor
    scales: torch.Tensor | None
    a: torch.Tensor | None
    b: torch.Tensor | None
    bias: torch.Tensor | None


class Seen(NamedTuple):
    """What b blocks of 128 tokens see of the store's p pages.

    Attributes:
        tickets: (128 b,) int32, whose the tokens are.
        order: (128 b,) int32, see ``store``.
        partial: (b,) int32, see ``blocks.Blocks``; likewise the next three.
        partial_pages: (b, p).
        full: (b,).
        full_pages: (b, p).
        row_tickets: (rows,) int32, of each row of the store.
        row_order: (rows,).
        row_stops: (rows,).
    """

    tickets: torch.Tensor
    order: torch.Tensor
    partial: torch.Tensor
    partial_pages: torch.Tensor
    full: torch.Tensor
    full_pages: torch.Tensor
    row_tickets: torch.Tensor
    row_order: torch.Tensor
    row_stops: torch.Tensor

    def mask(self) -> BlockMask:
        """Return it as flex_attention takes it."""

        def sees(
            batch: torch.Tensor, head: torch.Tensor, query: torch.Tensor, row: torch.Tensor
        ) -> torch.Tensor:
            ticket, at = self.row_tickets[row], self.order[query]
            near = (ticket == PREFIX) | (ticket == self.tickets[query])
            visible: torch.Tensor = near & (self.row_order[row] <= at) & (at < self.row_stops[row])
            return visible

        # Not from_kv_blocks: that adds the tables of a backward pass.
        return BlockMask(
            seq_lengths=(self.partial.shape[0] * PAGE, self.row_tickets.shape[0]),
            kv_num_blocks=self.partial[None, None],
            kv_indices=self.partial_pages[None, None],
            full_kv_num_blocks=self.full[None, None],
            full_kv_indices=self.full_pages[None, None],
            q_num_blocks=None,
            q_indices=None,
            full_q_num_blocks=None,
            full_q_indices=None,
            BLOCK_SIZE=(PAGE, PAGE),
            mask_mod=sees,
        )


class Layer(NamedTuple):
    """The tensors of one layer."""

    attention_norm: torch.Tensor
    q: Linear
    k: Linear
    v: Linear
    o: Linear
    mlp_norm: torch.Tensor
    gate: Linear
    up: Linear
    down: Linear


def linear_of(layer: LoraLinear) -> Linear:
    """Return what a layer computes with: its weight as it is kept, and its adapter.

    Raises:
        ValueError: see ``nf4.pack``.
    """
    a = b = None
    if layer.adapter is not None:
        a, b = layer.adapter.a, layer.adapter.b * layer.adapter.scale
        fill = -a.shape[0] % RANKS
        a = torch.nn.functional.pad(a, (0, 0, 0, fill)).contiguous()
        b = torch.nn.functional.pad(b, (0, fill)).contiguous()
    layer.pack()
    if layer.packed is None:
        return Linear(layer.weight, None, a, b, layer.bias)
    return Linear(layer.packed.codes, layer.packed.scales, a, b, layer.bias)


Convert = Callable[[LoraLinear], Linear]


def layer_of(module: Any, convert: Convert = linear_of) -> Layer:
    """Return the tensors of a decoder layer of transformers, with the adapter it has now."""
    attention, mlp = module.self_attn, module.mlp
    return Layer(
        module.input_layernorm.weight,
        convert(attention.q_proj),
        convert(attention.k_proj),
        convert(attention.v_proj),
        convert(attention.o_proj),
        module.post_attention_layernorm.weight,
        convert(mlp.gate_proj),
        convert(mlp.up_proj),
        convert(mlp.down_proj),
    )


def product(x: torch.Tensor, layer: Linear) -> torch.Tensor:
    """Return (n, out) for (n, in)."""
    if layer.weight.dtype == torch.uint8:
        assert layer.scales is not None
        weight = nf4_weight(layer.weight, layer.scales, layer.a, layer.b, x.dtype)
        return linear(x, weight, layer.bias)
    if layer.weight.dtype == torch.float8_e4m3fn:
        assert layer.scales is not None
        scale = x.abs().amax(1, keepdim=True).float().clamp(min=1e-12) / FP8_MAX
        return torch._scaled_mm(
            (x.float() / scale).to(torch.float8_e4m3fn),
            layer.weight.t(),
            scale_a=scale,
            scale_b=layer.scales,
            bias=layer.bias,
            out_dtype=x.dtype,
            use_fast_accum=True,
        )
    y = linear(x, layer.weight, layer.bias)
    if layer.a is not None and layer.b is not None:
        y = y + linear(linear(x, layer.a), layer.b)
    return y


def norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    """Return x over its root mean square, times ``weight``; rounded once."""
    wide = x.float()
    scaled = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
    return (weight.float() * scaled).to(x.dtype)


def rope_frequencies(config: Any) -> tuple[torch.Tensor, float]:
    """Return the (size / 2,) float32 frequencies of a config's rotary embeddings, and their scale.

    Computed here and not by the model's module: who trained in this process through a library that
    rewrites transformers' classes has another one.
    """
    parameters = config.rope_parameters
    if parameters["rope_type"] != "default":
        found, scale = ROPE_INIT_FUNCTIONS[parameters["rope_type"]](config, None)
        return found.float(), float(scale)
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    exponents = torch.arange(0, size, 2, dtype=torch.float32) / size
    return 1.0 / parameters["rope_theta"] ** exponents, 1.0


def rotate(x: torch.Tensor, rope: torch.Tensor) -> torch.Tensor:
    """Return (n, heads, size) with rotary embeddings; see ``Shape.whole`` for those."""
    cos, sin = rope.flatten(0, 1).unbind(1)
    wide = x.float()
    low, high = wide.chunk(2, dim=-1)
    turned = wide * cos[:, None] + torch.cat((-high, low), dim=-1) * sin[:, None]
    return turned.to(x.dtype)


@dataclass(frozen=True, slots=True)
class Shape:
    """What the layers of a model have in common.

    Parameters:
        heads, kv_heads, size: of the attention.
        eps: of the norms.
        options: of flex_attention's kernel.
    """

    heads: int
    kv_heads: int
    size: int
    eps: float
    options: FlexKernelOptions | None = None

    def whole(
        self,
        hidden: torch.Tensor,
        layer: Layer,
        rope: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        rows: torch.Tensor,
        seen: Seen,
    ) -> torch.Tensor:
        """Return (b, 128, hidden) of all tokens.

        Args:
            hidden: (b, 128, hidden).
            layer: its tensors.
            rope: cos and sin, (b, 128, 2, size) float32.
            keys: of this layer in the store, (rows, key-value heads, size).
            values: likewise.
            rows: (b, 128) int32, where the tokens' own go.
            seen: which rows each token sees.
        """
        flat = hidden.flatten(0, 1)
        x = norm(flat, layer.attention_norm, self.eps)
        self._store(x, layer, rope, keys, values, rows)
        return self._rest(flat, x, layer, rope, keys, values, seen).view_as(hidden)

    def store(
        self,
        hidden: torch.Tensor,
        layer: Layer,
        rope: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        rows: torch.Tensor,
    ) -> None:
        """Only store the keys and values of all tokens; see ``whole``."""
        x = norm(hidden.flatten(0, 1), layer.attention_norm, self.eps)
        self._store(x, layer, rope, keys, values, rows)

    def some(
        self,
        hidden: torch.Tensor,
        layer: Layer,
        rope: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        seen: Seen,
        last_norm: torch.Tensor,
    ) -> torch.Tensor:
        """Return (s, hidden) of some tokens whose keys and values are stored, after the norm.

        Args:
            hidden: (b, 128, hidden), of s = 128 b tokens.
            layer: as in ``whole``, like the others.
            rope: of these tokens.
            keys: of all.
            values: of all.
            seen: by these tokens.
            last_norm: (hidden,), the weight of the norm after the layers.
        """
        flat = hidden.flatten(0, 1)
        x = norm(flat, layer.attention_norm, self.eps)
        return norm(self._rest(flat, x, layer, rope, keys, values, seen), last_norm, self.eps)

    def _store(
        self,
        x: torch.Tensor,
        layer: Layer,
        rope: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        rows: torch.Tensor,
    ) -> None:
        places = rows.flatten().long()
        keys[places] = rotate(product(x, layer.k).view(-1, self.kv_heads, self.size), rope)
        values[places] = product(x, layer.v).view(-1, self.kv_heads, self.size)

    def _rest(
        self,
        hidden: torch.Tensor,
        x: torch.Tensor,
        layer: Layer,
        rope: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        seen: Seen,
    ) -> torch.Tensor:
        query = rotate(product(x, layer.q).view(-1, self.heads, self.size), rope)
        found = flex_attention(
            query.transpose(0, 1)[None],
            keys.transpose(0, 1)[None],
            values.transpose(0, 1)[None],
            block_mask=seen.mask(),
            enable_gqa=True,
            kernel_options=self.options,
        )
        assert isinstance(found, torch.Tensor)
        found = found[0].transpose(0, 1).reshape(-1, self.heads * self.size)
        hidden = hidden + product(found, layer.o)
        x = norm(hidden, layer.mlp_norm, self.eps)
        gated = torch.nn.functional.silu(product(x, layer.gate)) * product(x, layer.up)
        return hidden + product(gated, layer.down)
