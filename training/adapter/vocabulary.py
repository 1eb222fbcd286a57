"""The names' loss over the vocabulary, a chunk of places at a time.

Forward and gradient are computed together, as the language model's head is frozen: no logits are
kept (Hsu et al., "Liger Kernel", 2024).
"""

from typing import Any

import torch

CHUNK = 512
"""Places whose logits are made at a time: of 152,064 they take 311 MB in float32."""


def summed_nll(
    hidden: torch.Tensor, head: torch.Tensor, wanted: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Return the weighted sum of the negative log-likelihoods, float32.

    Args:
        hidden: (m, hidden) after the last norm.
        head: (vocabulary, hidden), the language model's, frozen.
        wanted: (m,) the tokens that follow.
        weights: (m,) float32.
    """
    found: torch.Tensor = _SummedNll.apply(  # type: ignore[no-untyped-call]
        hidden, head, wanted, weights
    )
    return found


class _SummedNll(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        head: torch.Tensor,
        wanted: torch.Tensor,
        weights: torch.Tensor,
    ) -> torch.Tensor:
        total = hidden.new_zeros((), dtype=torch.float32)
        gradient = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        for start in range(0, len(hidden), CHUNK):
            some = slice(start, start + CHUNK)
            logits = wide_product(hidden[some], head.t())
            right, weight = wanted[some, None], weights[some, None]
            high = logits.logsumexp(1, keepdim=True)
            total += ((high - logits.gather(1, right)) * weight).sum()
            if gradient is not None:
                chances = logits.sub_(high).exp_().mul_(weight)
                chances.scatter_add_(1, right, -weight)
                gradient[some] = chances.to(head.dtype) @ head
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, above: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        return (gradient * above).to(gradient.dtype), None, None, None


def wide_product(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Return the product of two matrices of a dtype, summed and kept in float32."""
    if one.is_cuda and one.dtype != torch.float32:
        return torch.mm(one, other, out_dtype=torch.float32)
    return one.float() @ other.float()
