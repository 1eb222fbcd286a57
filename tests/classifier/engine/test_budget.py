"""The token budget: how it shrinks where memory is short, and when it recovers."""

import pytest
import torch

from classifier.engine.budget import CHEAP_TOKENS, TokenBudget
from classifier.model.backbone import load_backbone
from classifier.model.runner import Runner
from tests.support.models import STANDIN


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Runner:
    runner = load_backbone(STANDIN, "full", torch.device("cpu")).runner
    monkeypatch.setattr(runner, "token_budget", 16_000)  # put back afterwards
    return runner


def test_the_runners_budget_is_taken_where_none_is_given(runner: Runner) -> None:
    assert TokenBudget(runner).tokens == 16_000
    assert TokenBudget(runner, 500).tokens == 500


def test_after_a_forward_without_memory_half_of_it_is_the_limit(runner: Runner) -> None:
    budget = TokenBudget(runner)

    budget.shrink(12_000)

    assert (budget.next, budget.tokens, runner.token_budget) == (6_000, 6_000, 6_000)
    budget.grow()
    assert budget.next == 6_000


def test_a_small_forward_without_memory_tells_nothing_of_large_ones(runner: Runner) -> None:
    budget = TokenBudget(runner)

    budget.shrink(CHEAP_TOKENS)

    assert (budget.tokens, runner.token_budget) == (16_000, 16_000)
    assert budget.next == CHEAP_TOKENS // 2
    budget.grow()
    assert budget.next == CHEAP_TOKENS
    budget.reset()
    assert budget.next == 16_000


def test_the_budget_stays_above_what_costs_next_to_nothing(runner: Runner) -> None:
    budget = TokenBudget(runner)

    budget.shrink(CHEAP_TOKENS + 1)

    assert budget.tokens == CHEAP_TOKENS
    assert budget.next == CHEAP_TOKENS // 2
