"""Linear layers that read the same input, as one step of autograd: frozen weight and adapter.

y = x·Wᵀ + c + s·drop(x)·Aᵀ·Bᵀ for each, where x is made of what is kept anyway, such as the norm
of the hidden states. For the backward pass are kept what x is made of and x·Aᵀ; x is made again,
which costs little, and W is dequantised again (Dettmers et al., "QLoRA", 2023). The products, which
are dear, are never computed again, and no gradient of W is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import linear

from classifier.model.lora import LoraLinear
from training.adapter.fast.compilation import any_length
from training.adapter.fast.dropout import Dropout

Make = Callable[..., torch.Tensor]
"""Makes the input x, (t, in), of what is kept."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainedLinear:
    """A linear layer with the adapter that is learned.

    Parameters:
        base: its frozen weight and bias.
        a: (rank, in) float32, or None where the layer has no adapter.
        b: (out, rank) float32, likewise.
        scale: of the adapter's product.
    """

    base: LoraLinear
    a: torch.Tensor | None
    b: torch.Tensor | None
    scale: float


def products(
    make: Make, sources: Sequence[torch.Tensor], linears: Sequence[TrainedLinear], dropout: Dropout
) -> tuple[torch.Tensor, ...]:
    """Return (t, out) of each linear layer for the input that is made of the sources."""
    trained = [one for layer in linears for one in (layer.a, layer.b) if one is not None]
    work = _Work(make, len(sources), tuple(linears), dropout)
    found: tuple[torch.Tensor, ...] = _Products.apply(  # type: ignore[no-untyped-call]
        work, *sources, *trained
    )
    return found


@dataclass(frozen=True, slots=True)
class _Work:
    make: Make
    sources: int
    linears: tuple[TrainedLinear, ...]
    dropout: Dropout

    @property
    def adapted(self) -> list[tuple[int, torch.Tensor, torch.Tensor]]:
        """Return number, A and B of each layer that has an adapter, its scale in B."""
        return [
            (number, layer.a, layer.b * layer.scale)
            for number, layer in enumerate(self.linears)
            if layer.a is not None and layer.b is not None
        ]


class _Products(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, work: _Work, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        sources = tensors[: work.sources]
        x = work.make(*sources)
        found = [linear(x, layer.base.full_weight(), layer.base.bias) for layer in work.linears]
        adapted = work.adapted
        low = x[:, :0]
        if adapted:
            low = work.dropout.of(x) @ torch.cat([a for _, a, _ in adapted]).to(x.dtype).t()
            parts = torch.split(low, [len(a) for _, a, _ in adapted], dim=1)
            for part, (number, _, b) in zip(parts, adapted, strict=True):
                found[number].addmm_(part, b.to(x.dtype).t())
        ctx.work = work
        ctx.save_for_backward(low, *sources)
        return tuple(found)

    @staticmethod
    def backward(ctx: Any, *above: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        work: _Work = ctx.work
        low, *kept = ctx.saved_tensors
        needed = ctx.needs_input_grad[1 : 1 + work.sources]
        with torch.enable_grad():
            sources = [
                one.detach().requires_grad_(need) for one, need in zip(kept, needed, strict=True)
            ]
            any_length(*sources)
            x = work.make(*sources)
        trained, through = _adapter_backward(work, x.detach(), low, above)
        if not any(needed):
            return None, *_where(needed, ()), *trained
        for layer, gradient in zip(work.linears, above, strict=True):
            straight = gradient @ layer.base.full_weight()
            through = straight if through is None else through.add_(straight)
        wanted = [one for one, need in zip(sources, needed, strict=True) if need]
        return None, *_where(needed, torch.autograd.grad(x, wanted, through)), *trained


def _where(needed: Sequence[bool], gradients: Sequence[torch.Tensor]) -> list[torch.Tensor | None]:
    """Return the gradients in the places where they are needed, and None elsewhere."""
    left = iter(gradients)
    return [next(left) if need else None for need in needed]


def _adapter_backward(
    work: _Work, x: torch.Tensor, low: torch.Tensor, above: Sequence[torch.Tensor]
) -> tuple[list[torch.Tensor], torch.Tensor | None]:
    """Return the gradients of each A and B, and that of x through the adapters.

    Args:
        work: which layers.
        x: (t, in).
        low: (t, ranks), the dropped x·Aᵀ of all adapters.
        above: (t, out) of each layer, the gradients of what it returned.
    """
    adapted = work.adapted
    if not adapted:
        return [], None
    ranks = [len(a) for _, a, _ in adapted]
    lower = torch.cat([above[number] @ b.to(x.dtype) for number, _, b in adapted], dim=1)
    by_a = torch.split((lower.t() @ work.dropout.of(x)).float(), ranks)
    parts = torch.split(low, ranks, dim=1)
    trained = []
    for gradient, part, (number, _, _) in zip(by_a, parts, adapted, strict=True):
        by_b = (above[number].t() @ part).float() * work.linears[number].scale
        trained += [gradient, by_b]
    stacked = torch.cat([a for _, a, _ in adapted]).to(x.dtype)
    return trained, work.dropout.of(lower @ stacked)
