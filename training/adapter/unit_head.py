"""The head over the units while it is learned: its weights, and its loss."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy, one_hot

from classifier.labels.head import HEAD, Head
from classifier.manifest import damaged
from training.adapter.recipe import AnswerLosses

_FIRST_STD = 0.02
"""Standard deviation of the weights before anything is learned, as bases begin theirs."""


class UnitHead(torch.nn.Module):
    """A float32 linear layer over u units.

    Args:
        codes: of the u units, in the order of the rows.
        hidden: width of the base's hidden states.
        losses: the recipe's.
        seed: of the first weights.
    """

    def __init__(self, codes: Sequence[str], hidden: int, losses: AnswerLosses, seed: int) -> None:
        super().__init__()
        self.codes = tuple(codes)
        self.losses = losses
        first = torch.randn(len(codes), hidden, generator=torch.Generator().manual_seed(seed))
        self.weight = torch.nn.Parameter(first * _FIRST_STD)
        self.bias = torch.nn.Parameter(torch.zeros(len(codes)))

    def loss(
        self, hidden: torch.Tensor, rows: torch.Tensor, weights: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the sum of the tickets' losses.

        Args:
            hidden: (n, hidden) final hidden states, in any precision.
            rows: (n,) of the right units; or (n, u) float32, their probabilities.
            weights: (n,) float32, how much each ticket counts; None where all count alike.
        """
        with torch.autocast(hidden.device.type, enabled=False):
            logits = torch.nn.functional.linear(hidden.float(), self.weight, self.bias)
            smoothing = self.losses.label_smoothing
            losses = cross_entropy(logits, rows, reduction="none", label_smoothing=smoothing)
            if self.losses.brier:
                losses = losses + self.losses.brier * brier_scores(logits, rows)
            return losses.sum() if weights is None else (losses * weights).sum()

    def take(self, checkpoint: Path) -> None:
        """Take the weights of a checkpoint, as ``learned`` had saved them there.

        Raises:
            ModelVersionError: they do not fit, or are of other units.
        """
        path = checkpoint / HEAD
        head = Head.parse(path, path.read_bytes(), self.codes, self.weight.shape[1])
        if head.codes != self.codes:
            raise damaged(path, "its units are not those that are learned")
        with torch.no_grad():
            self.weight.copy_(head.weight)
            self.bias.copy_(head.bias)

    def learned(self) -> Head:
        """Return what was learned, on the CPU."""
        return Head(self.codes, self.weight.detach().cpu(), self.bias.detach().cpu())


def brier_scores(logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Return the (n,) squared errors of (n, u) logits' probabilities, 0 to 2.

    What is right are (n,) rows, or (n, u) probabilities.

    Brier, "Verification of Forecasts Expressed in Terms of Probability", 1950.
    """
    right = rows if rows.dim() > 1 else one_hot(rows, logits.shape[1]).to(logits.dtype)
    return (logits.softmax(dim=1) - right).square().sum(dim=1)
