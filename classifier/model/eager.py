"""The plain runner: transformers' own model, on any device, without compiling."""

import time
from typing import Any

import torch

from classifier.model.attention import GroupAttention
from classifier.model.kv_cache import new_cache
from classifier.model.logits import look_up, with_head
from classifier.model.pack import Pack
from classifier.model.runner import TOKEN_BUDGET, Answer, Answers, HeadLogits


class EagerRunner:
    """Runs packs through transformers' own model.

    Args:
        model: of transformers, with ``attention.NAME`` as its attention.
        token_budget: tokens of one forward.
    """

    ahead = 0

    def __init__(self, model: Any, token_budget: int = TOKEN_BUDGET) -> None:
        self.model = model
        self.token_budget = token_budget
        self.busy = 0.0
        self.head: HeadLogits | None = None
        self.cache = new_cache(model)

    def adapted(self) -> None:
        """Do nothing: the model's layers have the adapter."""

    def restore(self, pack: Pack, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Cache a pack's keys and values, (layers, t, key-value heads, head size)."""
        rows = torch.from_numpy(pack.rows).to(keys.device)
        self.cache.keys[:, rows], self.cache.values[:, rows] = keys, values

    @torch.inference_mode()
    def start(self, pack: Pack) -> Answers:
        """Run a pack; the answers are there at once."""
        began = time.perf_counter()
        device = self.model.device
        out = self.model.model(
            input_ids=torch.from_numpy(pack.ids)[None].to(device),
            position_ids=torch.from_numpy(pack.positions)[None].to(device),
            use_cache=False,
            packed=GroupAttention(pack, device),
        )
        hidden = out.last_hidden_state[0][torch.from_numpy(pack.places).to(device)]
        questions = [torch.from_numpy(array).to(device) for array in pack.questions]
        found = look_up(pack, hidden, lambda some: self.model.lm_head(some).float(), *questions)
        found = with_head(pack, found, hidden, self.head)
        answer = Answer.of(found.cpu(), len(questions[0]), len(pack.by_head))
        self.busy += time.perf_counter() - began
        return lambda: answer
