"""The template language: choices, slots and numbers."""

from random import Random

import pytest

from paidan.sample.grammar import Grammar, Scene, compile_template

GRAMMAR = Grammar(
    slots={"who": ["居民", "[老人|孩子]"], "place": ["[东|西]街"]},
    numbers={"days": (2, 10, 4)},
    sticky=frozenset({"place"}),
)


def scene(seed: int = 1, **values: str) -> Scene:
    return Scene(GRAMMAR, Random(seed), values)


def rendered(template: str, **values: str) -> set[str]:
    """All that a template says under a hundred seeds."""
    compiled = compile_template(template)
    return {scene(seed, **values).render(compiled) for seed in range(100)}


def test_a_choice_says_one_of_its_words_and_nothing_is_a_word() -> None:
    assert rendered("路灯[坏了|不亮|]。") == {"路灯坏了。", "路灯不亮。", "路灯。"}


def test_a_slot_is_filled_by_a_value_set_beforehand_a_template_or_a_number() -> None:
    assert rendered("{who}说", who="我") == {"我说"}
    assert rendered("{who}说") == {"居民说", "老人说", "孩子说"}
    assert rendered("{days}天") == {"2天", "6天", "10天"}


def test_a_sticky_slot_keeps_its_value_within_a_scene() -> None:
    assert rendered("{place}{place}") == {"东街东街", "西街西街"}
    assert len(rendered("{who}{who}")) == 9


def test_a_slot_that_no_list_defines_is_an_error() -> None:
    with pytest.raises(KeyError):
        scene().slot("nobody")
