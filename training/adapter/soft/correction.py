"""What soft names add to the language model's loss."""

import torch


def correction(
    hidden: torch.Tensor, head: torch.Tensor, tokens: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Return what turns the summed negative log-likelihood of names into that of soft names.

    At one place the loss of a distribution q is ``logsumexp(z) - sum(q * z)``, that of a token t
    ``logsumexp(z) - z[t]``. They differ by logits of a few tokens, whose weights sum to 0: so any
    trainer's loss is made soft without another pass over the vocabulary.

    Args:
        hidden: (m, hidden) after the last norm, at the places.
        head: (vocabulary, hidden), the language model's own, without a bias.
        tokens: (m,) whose logits are wanted.
        weights: (m,) see ``targets.SoftNames``.
    """
    logits = (hidden.float() * head[tokens].float()).sum(dim=1)
    return -(weights * logits).sum()
