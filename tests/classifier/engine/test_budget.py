"""The token budget: how it shrinks where memory is short, and when it recovers."""

from classifier.engine.budget import CHEAP_TOKENS, TokenBudget


def test_after_a_large_forward_without_memory_half_of_it_is_the_limit_for_good() -> None:
    budget = TokenBudget(16_000)

    assert budget.shrink(12_000)

    assert (budget.next, budget.tokens) == (6_000, 6_000)
    budget.grow()
    assert budget.next == 6_000


def test_a_small_forward_without_memory_tells_nothing_of_large_ones() -> None:
    budget = TokenBudget(16_000)

    assert not budget.shrink(CHEAP_TOKENS)

    assert budget.tokens == 16_000
    assert budget.next == CHEAP_TOKENS // 2
    budget.grow()
    assert budget.next == CHEAP_TOKENS
    budget.reset()
    assert budget.next == 16_000


def test_the_budget_stays_above_what_costs_next_to_nothing() -> None:
    budget = TokenBudget(16_000)

    assert budget.shrink(CHEAP_TOKENS + 1)

    assert budget.tokens == CHEAP_TOKENS
    assert budget.next == CHEAP_TOKENS // 2


def test_the_next_forward_has_a_token_at_least() -> None:
    budget = TokenBudget(16_000)

    budget.shrink(1)

    assert budget.next == 1
