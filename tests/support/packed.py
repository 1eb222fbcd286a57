"""Small random models with an adapter that is not zero, samples, and the loss in plain torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from tests.support.joint import Gradients, still_recipe, with_adapter
from tests.support.models import random_base
from training.adapter.fast.examples import Example
from training.adapter.loading import load_with_adapter
from training.adapter.recipe import AnswerLosses, Compute
from training.adapter.unit_head import UnitHead

CPU = torch.device("cpu")
PREFIX = 37
UNITS = "ABCDE"
_TOKENS = 200


def adapted_model(folder: Path, shape: str = "qwen2") -> Any:
    """A random base in 4 bits, with an adapter as if something had been learned already."""
    recipe = still_recipe().model_copy(update={"compute": Compute(path="fast")})
    return with_adapter(load_with_adapter(random_base(folder, shape), recipe, CPU))


def unit_head(width: int, **losses: float) -> UnitHead:
    return UnitHead(tuple(UNITS), width, AnswerLosses(**losses), seed=1)


def make_examples(
    own: Sequence[int], *, answer: int | None = None, prefix: int = PREFIX
) -> list[Example]:
    """Samples with so many tokens of their own behind a prefix.

    Args:
        own: of each sample; they differ from the first one on.
        answer: learned are so many tokens at the end; None for the whole text.
        prefix: tokens that all begin with.
    """
    random = np.random.default_rng(3)
    before = random.integers(10, _TOKENS, prefix)
    made = []
    for number, length in enumerate(own):
        after = random.integers(10, _TOKENS, length)
        after[0] = _TOKENS + number
        ids = np.concatenate([before, after])
        first = 1 if answer is None else max(1, len(ids) - answer)
        learned = np.arange(first, len(ids))
        made.append(Example(ids, learned, len(ids) - min(length, 3), number % len(UNITS)))
    return made


def plain_loss(model: Any, examples: Sequence[Example], head: UnitHead | None) -> torch.Tensor:
    """The joint loss, sample by sample, each with its own copy of the prefix."""
    tokens, tickets = torch.zeros(2, device=model.device)
    for one in examples:
        ids = torch.tensor(one.ids, device=model.device)
        out = model.get_base_model()(ids[None], output_hidden_states=True)
        wanted = ids[one.learned]
        scores = out.logits[0, one.learned - 1].float()
        tokens = tokens + cross_entropy(scores, wanted, reduction="sum")
        if head is not None:
            state = out.hidden_states[-1][0, one.answer_at][None]
            tickets = tickets + head.loss(state, ids.new_tensor([one.row]))
    names = tokens / sum(len(one.learned) for one in examples)
    if head is None:
        return names
    return head.losses.names * names + head.losses.head * tickets / len(examples)


def gradients_of(*modules: Any) -> Gradients:
    """The gradients of all trained weights, which are then without any."""
    found = {
        name: weight.grad.float().cpu().clone()
        for module in modules
        for name, weight in module.named_parameters()
        if weight.grad is not None
    }
    for module in modules:
        module.zero_grad()
    return found


def distance(found: Gradients, expected: Gradients) -> float:
    """The greatest distance of a weight's gradients, as a share of the expected one's length."""
    assert found.keys() == expected.keys()
    assert expected
    return max(
        float((found[name] - one).norm() / one.norm().clamp(min=1e-12))
        for name, one in expected.items()
    )
