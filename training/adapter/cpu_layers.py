"""A base's layers as a CPU trains them: their results are the same, for less work."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

from collections.abc import Callable
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from peft.tuners.tuners_utils import BaseTunerLayer
from torch.nn.functional import linear

from classifier.model.lora import LoraLinear

DENSE_BYTES = 1 << 30
"""A base whose adapted weights take no more in float32 is dequantised once, not for each step."""
_MOST_READ = 0.5
"""Of all places; where more are read, to pick them out costs more than it saves."""
_ADAPTER = "default"


def join_adapters(model: torch.nn.Module) -> None:
    """Have each linear layer and its adapter computed as one step of autograd.

    peft's own scales, adds and keeps for the backward pass one by one. An adapter with dropout
    stays as peft computes it.

    Args:
        model: with peft's adapter, in float32.
    """
    layers: list[Any] = [one for one in model.modules() if _is_plain(one)]
    bases = [LoraLinear(layer.get_base_layer(), torch.float32) for layer in layers]
    size = torch.float32.itemsize
    if sum(base.in_features * base.out_features * size for base in bases) <= DENSE_BYTES:
        for base in bases:
            base.weight = torch.nn.Parameter(base.full_weight(), requires_grad=False)
    for layer, base in zip(layers, bases, strict=True):
        layer.forward = _joined(layer, base)


def _is_plain(module: Any) -> bool:
    if not (isinstance(module, LoraLayer) and isinstance(module, BaseTunerLayer)):
        return False
    is_linear = isinstance(module.get_base_layer(), torch.nn.Linear)
    return is_linear and isinstance(module.lora_dropout[_ADAPTER], torch.nn.Identity)


def _joined(layer: Any, base: LoraLinear) -> Callable[[torch.Tensor], torch.Tensor]:
    a, b, scale = layer.lora_A[_ADAPTER], layer.lora_B[_ADAPTER], float(layer.scaling[_ADAPTER])

    def forward(x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = _Joined.apply(  # type: ignore[no-untyped-call]
            x.flatten(0, -2), base, a.weight, b.weight, scale
        )
        return y.view(*x.shape[:-1], -1)

    return forward


class _Joined(torch.autograd.Function):
    """y = x·Wᵀ + c + s·(x·Aᵀ)·Bᵀ of (t, in) states, with W frozen."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        base: LoraLinear,
        a: torch.Tensor,
        b: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        low = x @ a.t()
        ctx.base, ctx.scale = base, scale
        ctx.save_for_backward(x, low, a, b)
        return linear(x, base.full_weight(), base.bias).addmm_(low, b.t(), alpha=scale)

    @staticmethod
    def backward(ctx: Any, above: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, low, a, b = ctx.saved_tensors
        lower = (above @ b).mul_(ctx.scale)
        through = None
        if ctx.needs_input_grad[0]:
            through = (above @ ctx.base.full_weight()).addmm_(lower, a)
        return through, None, lower.t() @ x, (above.t() @ low).mul_(ctx.scale), None


class LastLayer:
    """The last decoder layer, computed where its states are read.

    Other places give it their keys and values alone. Their queries, and all behind attention, are
    zeros: nobody reads what would become of them, so they have no part in a gradient either.

    Args:
        layers: of the decoder, as transformers has them.
    """

    def __init__(self, layers: torch.nn.ModuleList) -> None:
        self._rows: torch.Tensor | None = None
        last: Any = layers[-1]
        attention = last.self_attn
        parts = (attention.q_proj, attention.o_proj, last.post_attention_layernorm, last.mlp)
        for part in parts:
            part.forward = self._narrowed(part.forward)

    def read(self, places: torch.Tensor) -> None:
        """Say what is read of the next batch, and until another is said: (n, length) bool."""
        few = int(places.sum()) <= _MOST_READ * places.numel()
        self._rows = places.flatten().nonzero()[:, 0] if few else None

    def _narrowed(
        self, forward: Callable[[torch.Tensor], torch.Tensor]
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        def narrowed(x: torch.Tensor) -> torch.Tensor:
            rows = self._rows
            if rows is None:
                return forward(x)
            found = forward(x.flatten(0, -2).index_select(0, rows))
            whole = found.new_zeros(x.shape[:-1].numel(), found.shape[-1])
            return whole.index_copy(0, rows, found).view(*x.shape[:-1], -1)

        return narrowed
