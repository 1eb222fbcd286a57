"""What linear layers read: made of what is kept anyway, and made again for the backward pass.

On CUDA each is one pass over memory: the input, what the adapters see of it, and its gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch.nn.functional import silu

from classifier.model.decoder import norm
from training.adapter.fast.compilation import any_length, compiled
from training.adapter.fast.dropout import Dropout, dropped

Pair = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Input:
    """The input x, (t, in), of linear layers as a function of its sources.

    Parameters:
        value: x of the sources and constants.
        pair: x and the dropped x of a share, a seed, sources and constants.
        gradients: of each source, of the gradient of x, sources and constants.
        constants: what else it takes, such as a norm's weight.
    """

    value: Callable[..., torch.Tensor]
    pair: Callable[..., Pair]
    gradients: Callable[..., tuple[torch.Tensor, ...]]
    constants: tuple[Any, ...] = ()

    @classmethod
    def of(
        cls,
        value: Callable[..., torch.Tensor],
        gradients: Callable[..., tuple[torch.Tensor, ...]],
        device: torch.device,
    ) -> Self:
        """Return an input by its functions, compiled for CUDA; all layers may share it."""

        def pair(share: float, seed: int, *tensors: Any) -> Pair:
            x = value(*tensors)
            return x, dropped(x, share, seed)

        return cls(compiled(value, device), compiled(pair, device), compiled(gradients, device))

    def over(self, *constants: Any) -> Self:
        """Return it with constants."""
        return replace(self, constants=constants)

    def made(self, sources: tuple[torch.Tensor, ...], dropout: Dropout) -> Pair:
        """Return x, and what adapters see of it; one tensor where nothing is dropped."""
        any_length(*sources)
        if dropout.share:
            return self.pair(dropout.share, dropout.number, *sources, *self.constants)
        x = self.value(*sources, *self.constants)
        return x, x

    def back(
        self, above: torch.Tensor, sources: tuple[torch.Tensor, ...]
    ) -> tuple[torch.Tensor, ...]:
        """Return the gradient of each source of the gradient of x, (t, in)."""
        any_length(above, *sources)
        return self.gradients(above, *sources, *self.constants)


def gated(gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    """Return the MLP's inner states, (t, intermediate), of its two products."""
    return silu(gate) * up


def gated_gradients(above: torch.Tensor, gate: torch.Tensor, up: torch.Tensor) -> Pair:
    """Return the gradients of ``gate`` and ``up``."""
    wide, higher = gate.float(), above.float()
    open_ = wide.sigmoid()
    by_gate = higher * up.float() * open_ * (1 + wide * (1 - open_))
    return by_gate.to(gate.dtype), (higher * wide * open_).to(up.dtype)


def norm_gradients(
    above: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, eps: float
) -> tuple[torch.Tensor]:
    """Return the gradient of the ``x`` of ``norm``; its weight is frozen."""
    wide, scaled = x.float(), above.float() * weight.float()
    over = torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
    along = (scaled * wide).mean(-1, keepdim=True) * over.pow(2)
    return (((scaled - wide * along) * over).to(x.dtype),)


def normed(device: torch.device) -> Input:
    """Return a norm as an input; its weight and eps are constants."""
    return Input.of(norm, norm_gradients, device)


def gated_product(device: torch.device) -> Input:
    """Return the MLP's inner states as an input."""
    return Input.of(gated, gated_gradients, device)


AS_IT_IS = Input(
    lambda x: x,
    lambda share, seed, x: (x, Dropout(share, seed).of(x)),
    lambda above, x: (above,),
)
"""An input that is its source."""
