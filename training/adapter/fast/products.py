"""Linear layers that read the same input, as one step of autograd: frozen weight and adapter.

y = x·Wᵀ + c + drop(x)·Aᵀ·(s·B)ᵀ for each, where x is made of what is kept anyway, such as the
hidden states before a norm. For the backward pass are kept what x is made of and x·Aᵀ; x is made
again, which costs little, and W is dequantised again (Dettmers et al., "QLoRA", 2023). The
products, which are dear, are never computed again, and no gradient of W is.

A step of a 7B calls some thousand kernels, so the time that a call takes on the CPU counts too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import linear

from classifier.model.lora import LoraLinear
from training.adapter.fast.dropout import Dropout
from training.adapter.fast.inputs import Input
from training.adapter.vocabulary import wide_product


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


class LinearGroup:
    """Linear layers that read the same input, and their adapters in the computation's precision.

    Args:
        linears: the layers.
        dtype: of the computation.

    Attributes:
        adapted: numbers of the layers that have an adapter; likewise the next ones.
        trained: A and B of each, one after the other, as they are learned.
        scales: of each.
        ranks: of each.
        a: (ranks, in), all A in the computation's precision.
        b: (out, rank) of each, its scale in it, likewise.
    """

    def __init__(self, linears: Sequence[TrainedLinear], dtype: torch.dtype) -> None:
        self.linears = tuple(linears)
        self.adapted: list[int] = []
        self._trained: list[tuple[torch.Tensor, torch.Tensor, float]] = []
        for number, layer in enumerate(self.linears):
            if layer.a is not None and layer.b is not None:
                self.adapted.append(number)
                self._trained.append((layer.a, layer.b, layer.scale))
        self.trained = [one for a, b, _ in self._trained for one in (a, b)]
        self.scales = [scale for _, _, scale in self._trained]
        self.ranks = [len(a) for a, _, _ in self._trained]
        base = linears[0].base
        shape = sum(self.ranks), base.in_features
        self.a = torch.empty(shape, dtype=dtype, device=base.weight.device)
        self.b = [torch.empty(b.shape, dtype=dtype, device=b.device) for _, b, _ in self._trained]
        take_up([self])

    def copies(self) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
        """Yield each adapter's tensors: where they are computed with, and as they are learned."""
        for (a, b, scale), part, copy in zip(
            self._trained, torch.split(self.a, self.ranks), self.b, strict=True
        ):
            yield part, a.detach()
            yield copy, b.detach() if scale == 1 else b.detach() * scale


def take_up(groups: Iterable[LinearGroup]) -> None:
    """Let groups compute with their adapters as they are now: after each step of the optimizer."""
    copies = [one for group in groups for one in group.copies()]
    if copies:
        torch._foreach_copy_([to for to, _ in copies], [of for _, of in copies])


def products(
    read: Input, sources: Sequence[torch.Tensor], group: LinearGroup, dropout: Dropout
) -> tuple[torch.Tensor, ...]:
    """Return (t, out) of each linear layer for the input that is made of the sources."""
    work = _Work(read, len(sources), group, dropout)
    found: tuple[torch.Tensor, ...] = _Products.apply(  # type: ignore[no-untyped-call]
        work, *sources, *group.trained
    )
    return found


@dataclass(frozen=True, slots=True)
class _Work:
    read: Input
    sources: int
    group: LinearGroup
    dropout: Dropout


class _Products(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, work: _Work, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        sources, group = tensors[: work.sources], work.group
        x, dropped = work.read.made(sources, work.dropout)
        found = [linear(x, one.base.full_weight(), one.base.bias) for one in group.linears]
        low = dropped @ group.a.t()
        parts = torch.split(low, group.ranks, dim=1)
        for number, part, b in zip(group.adapted, parts, group.b, strict=True):
            found[number].addmm_(part, b.t())
        ctx.work = work
        ctx.save_for_backward(low, *sources)
        return tuple(found)

    @staticmethod
    def backward(ctx: Any, *above: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        work: _Work = ctx.work
        low, *kept = ctx.saved_tensors
        sources, needed = tuple(kept), ctx.needs_input_grad[1 : 1 + work.sources]
        _, dropped = work.read.made(sources, work.dropout)
        trained, through = _adapter_backward(work, dropped, low, above)
        if not any(needed):
            return None, *(None for _ in sources), *trained
        for layer, gradient in zip(work.group.linears, above, strict=True):
            weight = layer.base.full_weight()
            through = gradient @ weight if through is None else through.addmm_(gradient, weight)
        assert through is not None
        by_source = work.read.back(through, sources)
        wanted = (one if need else None for one, need in zip(by_source, needed, strict=True))
        return None, *wanted, *trained


def _adapter_backward(
    work: _Work, dropped: torch.Tensor, low: torch.Tensor, above: Sequence[torch.Tensor]
) -> tuple[list[torch.Tensor], torch.Tensor | None]:
    """Return the gradients of each A and B, and that of x through the adapters.

    Args:
        work: which layers.
        dropped: (t, in), what the adapters saw of x.
        low: (t, ranks), the dropped x·Aᵀ of all adapters.
        above: (t, out) of each layer, the gradients of what it returned.
    """
    group = work.group
    if not group.adapted:
        return [], None
    gradients = [above[number] for number in group.adapted]
    lower = torch.cat([one @ b for one, b in zip(gradients, group.b, strict=True)], dim=1)
    by_a = torch.split(wide_product(lower.t(), dropped), group.ranks)
    trained = []
    parts = torch.split(low, group.ranks, dim=1)
    for gradient, part, a, scale in zip(gradients, parts, by_a, group.scales, strict=True):
        by_b = wide_product(gradient.t(), part)
        trained += [a, by_b if scale == 1 else by_b * scale]
    return trained, work.dropout.of(lower @ group.a)
