"""Linear layers that keep their weight in 4 bits and add a LoRA adapter exactly.

y = x·Wᵀ + b + s·(x·Aᵀ)·Bᵀ. W is an NF4 weight (Dettmers et al., "QLoRA", 2023), dequantised for
each product, or a plain one. The adapter is never merged into a 4-bit W: the sum would have to be
rounded to 4 bits again, and that is another model than the one that was trained.

bitsandbytes is imported where a weight in its form is met. That takes longer than torch itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import linear

from classifier.model.nf4 import Nf4Weight, is_laid_out
from classifier.model.nf4_op import nf4_weight


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
        if hasattr(layer.weight, "module"):
            # In bitsandbytes weight and layer refer to each other. Only Python's collector would
            # free their memory, some time later.
            layer.weight.module = None
        self.nf4: Nf4Weight | None = None
        self.adapter: LayerAdapter | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (…, out) for (…, in)."""
        y = linear(x, self.full_weight(), self.bias)
        if self.adapter is not None:
            y = y + self.adapter.scale * linear(linear(x, self.adapter.a), self.adapter.b)
        return y

    def full_weight(self) -> torch.Tensor:
        """Return the base weight without adapter, (out, in), in the dtype of the computation."""
        if self.nf4 is not None:
            return nf4_weight(self.nf4.codes, self.nf4.scales, None, None, self.dtype)
        state = getattr(self.weight, "quant_state", None)
        if state is None:
            return self.weight
        from bitsandbytes.functional import dequantize_4bit

        weight: torch.Tensor = dequantize_4bit(self.weight.data, state)
        return weight.to(self.dtype)

    def lay_out(self) -> None:
        """Lay a 4-bit weight out as ``nf4_kernel`` reads it; bitsandbytes' own is let go.

        Where blocks of four bits reach from row to row, the weight is dequantised for good.

        Raises:
            ValueError: see ``Nf4Weight.of``.
        """
        if self.nf4 is not None or getattr(self.weight, "quant_state", None) is None:
            return
        if is_laid_out(self.in_features):
            self.nf4 = Nf4Weight.of(self.weight)
            kept = self.weight.data.new_empty(0)
        else:
            kept = self.full_weight()
        self.weight = nn.Parameter(kept, requires_grad=False)


def replace_linears(model: nn.Module, dtype: torch.dtype) -> None:
    """Put a ``LoraLinear`` in the place of each linear layer below ``model``."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear):
                setattr(parent, name, LoraLinear(child, dtype))


def lora_layers(model: nn.Module) -> Iterator[tuple[str, LoraLinear]]:
    """Yield each layer that can carry an adapter, with its path."""
    for path, module in model.named_modules():
        if isinstance(module, LoraLinear):
            yield path, module


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
