"""Log-probabilities that a pack asks for, of the hidden states at its places."""

from collections.abc import Callable

import numpy as np
import torch

from classifier.model.pack import BEST, Pack

LOGIT_ROWS = 256
"""Rows of (positions, vocabulary) logits made at a time: of 152,064 they take 160 MB in float32."""


def look_up(
    pack: Pack,
    hidden: torch.Tensor,
    head: Callable[[torch.Tensor], torch.Tensor],
    which: torch.Tensor,
    tokens: torch.Tensor,
) -> torch.Tensor:
    """Return the (q,) float32 log-probabilities a pack asks for, or numbers of likeliest tokens.

    Args:
        pack: q questions at s places.
        hidden: (s or more, hidden) at these places, after the last norm.
        head: returns (n, vocabulary) float32 logits of n of them.
        which: on the device, as in ``Pack.questions``.
        tokens: on the device, as in ``Pack.questions``.
    """
    found = torch.empty(len(which), dtype=torch.float32, device=hidden.device)
    asks_best = bool((pack.questions[1] == BEST).any())
    for start in range(0, len(pack.asked), LOGIT_ROWS):
        stop = min(start + LOGIT_ROWS, len(pack.asked))
        logits = head(hidden[start:stop])
        some = slice(*np.searchsorted(pack.questions[0], [start, stop]))
        rows = which[some] - start
        found[some] = logits[rows, tokens[some]] - logits.logsumexp(-1)[rows]
        if asks_best:  # a vocabulary's numbers are exact in float32
            best = logits.argmax(-1)[rows].float()
            found[some] = torch.where(tokens[some] == BEST, best, found[some])
    return found


def with_head(
    pack: Pack,
    found: torch.Tensor,
    hidden: torch.Tensor,
    head: Callable[[torch.Tensor], torch.Tensor] | None,
) -> torch.Tensor:
    """Return log-probabilities with the head's logits behind them, flat, as ``Answer.of`` reads.

    Args:
        pack: asks the head at h places, the last ones of its ``places``.
        found: (q,) float32, of ``look_up``.
        hidden: (s or more, hidden) at its places, after the last norm.
        head: returns (h, units) float32 logits.
    """
    if not pack.by_head:
        return found
    assert head is not None
    first = len(pack.asked)
    return torch.cat((found, head(hidden[first : first + len(pack.by_head)]).flatten()))
