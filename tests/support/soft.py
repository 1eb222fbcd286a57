"""Soft labels for tests, and their loss in plain torch: by whole names, one by one."""

from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import log_softmax

from tests.support.joint import prepared_of
from training.adapter.joint_trainer import JointTrainer
from training.adapter.preparation import Preparation
from training.adapter.recipe import Recipe
from training.adapter.soft.targets import Chances


def soft_prepared(recipe: Recipe) -> Preparation:
    """Tickets with a random distribution each; the first one is sure."""
    prepared = prepared_of(recipe)
    soft = np.random.default_rng(4).dirichlet(np.ones(3), len(prepared.known))
    soft[0] = np.eye(3)[1]
    return replace(prepared, soft=soft)


def next_tokens(names: list[list[int]], begin: list[int], units: Chances) -> dict[int, float]:
    """What follows a beginning of names, each name with its probability."""
    found: dict[int, float] = {}
    for name, chance in zip(names, units.tolist(), strict=True):
        if name[: len(begin)] == begin and len(name) > len(begin):
            found[name[len(begin)]] = found.get(name[len(begin)], 0.0) + chance
    total = sum(found.values())
    return {token: chance / total for token, chance in found.items()}


def plain_soft_loss(trainer: JointTrainer, prepared: Preparation) -> torch.Tensor:
    """The joint loss, ticket by ticket, each with its weight: only the answers are learned."""
    model, head = trainer.model, trainer.unit_head
    end = prepared.prompt.tokenizer.eos_token_id
    names = [[*prepared.prompt.labels[code], end] for code in prepared.taught]
    tokens, tickets, count = torch.zeros(()), torch.zeros(()), 0
    for sample in prepared.tokens():
        assert sample.soft is not None
        out = model.get_base_model()(torch.tensor([sample.ids]), output_hidden_states=True)
        log_probs = log_softmax(out.logits[0], dim=1)
        name = sample.ids[sample.answer_at + 1 :]
        for place in range(len(name)):
            follow = next_tokens(names, name[:place], sample.soft.units)
            at = sample.answer_at + place
            said = sum(chance * log_probs[at, t] for t, chance in follow.items())
            tokens = tokens - sample.weight * said
        count += len(name)
        if head is not None:
            state = out.hidden_states[-1][0, sample.answer_at]
            logits = state @ head.weight.T + head.bias
            units = torch.tensor(sample.soft.units, dtype=torch.float32)
            loss = -(units * log_softmax(logits, dim=0)).sum()
            loss = loss + head.losses.brier * (logits.softmax(0) - units).square().sum()
            tickets = tickets + sample.weight * loss
    names_loss = tokens / count
    if head is None:
        return names_loss
    return head.losses.names * names_loss + head.losses.head * tickets / len(prepared.known)
