"""What runs a pack through the model; here the plain way, on any device, without compiling."""

import time
from collections.abc import Callable
from typing import Any, Literal, Protocol

import numpy as np
import torch

from classifier.model.attention import GroupAttention
from classifier.model.kv_cache import KVCache
from classifier.model.pack import BEST, Pack

TOKEN_BUDGET = 16_384
"""Tokens of one forward."""
LOGIT_ROWS = 256
"""Rows of (positions, vocabulary) logits made at a time: of 152,064 they take 160 MB in float32."""

Mode = Literal["nf4", "bf16", "fp8", "full"]
"""How weights are kept for the products: in 4 bits and dequantised for each; dequantised once, with
the adapter, to bfloat16 or to float8; or as the base has them, in the dtype of the computation."""

Answers = Callable[[], list[float]]
"""Waits for a forward and returns what was asked (``Pack.asked``), in the order of the asking."""


class Runner(Protocol):
    """Runs packs through a model.

    Attributes:
        store: keys and values of what was read.
        ahead: how many forwards may be started before the answers of the first are taken.
        token_budget: tokens of one forward.
        busy: seconds that the device worked on forwards whose answers were taken.
    """

    cache: KVCache
    ahead: int
    token_budget: int
    busy: float

    def start(self, pack: Pack) -> Answers:
        """Read a pack: its keys and values are stored, what it asks can be waited for."""

    def adapted(self) -> None:
        """Take notice that the model has another adapter."""

    def restore(self, pack: Pack, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Store a pack's keys and values as they were read before, instead of reading it."""


class EagerRunner:
    """Reads through transformers' own model.

    Args:
        model: of transformers, with ``attention.NAME`` as its attention.
        token_budget: tokens of one forward.
    """

    ahead = 0

    def __init__(self, model: Any, token_budget: int = TOKEN_BUDGET) -> None:
        self.model = model
        self.token_budget = token_budget
        self.busy = 0.0
        self.cache = new_cache(model)

    def adapted(self) -> None:
        """Do nothing: the model's layers hold the adapter."""

    def restore(self, pack: Pack, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Store a pack's keys and values, (layers, t, key-value heads, size)."""
        rows = torch.from_numpy(pack.rows).to(keys.device)
        self.cache.keys[:, rows], self.cache.values[:, rows] = keys, values

    @torch.inference_mode()
    def start(self, pack: Pack) -> Answers:
        """Read a pack; the answers are there at once."""
        began = time.perf_counter()
        device = self.model.device
        out = self.model.model(
            input_ids=torch.from_numpy(pack.ids)[None].to(device),
            position_ids=torch.from_numpy(pack.positions)[None].to(device),
            use_cache=False,
            packed=GroupAttention(pack, device),
        )
        hidden = out.last_hidden_state[0][torch.from_numpy(pack.places).to(device)]
        questions = (torch.from_numpy(array).to(device) for array in pack.questions)
        answers = look_up(
            pack, hidden, lambda some: self.model.lm_head(some).float(), *questions
        ).tolist()
        self.busy += time.perf_counter() - began
        return lambda: answers


def look_up(
    pack: Pack,
    hidden: torch.Tensor,
    head: Callable[[torch.Tensor], torch.Tensor],
    which: torch.Tensor,
    tokens: torch.Tensor,
) -> torch.Tensor:
    """Return the (q,) float32 log-probabilities a pack asks for, or numbers of likeliest tokens.

    Args:
        pack: s places, q questions.
        hidden: (s or more, hidden) at its places, after the last norm.
        head: returns (n, vocabulary) float32 logits of n of them.
        which: on the device, as in ``Pack.questions``.
        tokens: on the device, as in ``Pack.questions``.
    """
    found = torch.empty(len(which), dtype=torch.float32, device=hidden.device)
    asks_best = bool((pack.questions[1] == BEST).any())
    for start in range(0, len(pack.places), LOGIT_ROWS):
        stop = start + LOGIT_ROWS
        logits = head(hidden[start:stop])
        some = slice(*np.searchsorted(pack.questions[0], [start, stop]))
        rows = which[some] - start
        found[some] = logits[rows, tokens[some]] - logits.logsumexp(-1)[rows]
        if asks_best:  # a vocabulary's numbers are exact in float32
            best = logits.argmax(-1)[rows].float()
            found[some] = torch.where(tokens[some] == BEST, best, found[some])
    return found


def new_cache(model: Any, pages: int = 8, *, steady: bool = False) -> KVCache:
    """Return an empty cache for a model's keys and values; see there."""
    config = model.config
    return KVCache(
        config.num_hidden_layers,
        config.num_key_value_heads,
        getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads,
        dtype=model.dtype,
        device=model.device,
        pages=pages,
        steady=steady,
    )
