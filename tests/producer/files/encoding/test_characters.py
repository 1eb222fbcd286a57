"""What a character costs in each language."""

import pytest

from producer.files.encoding.characters import CharacterCosts, character_costs


@pytest.mark.parametrize(
    ("language", "frequent", "rare"),
    [
        ("simplified", "的", "漏"),
        ("simplified", "漏", "燈"),
        ("traditional", "燈", "灯"),
        ("simplified", "灯", "\ue000"),
        ("simplified", "灯", "\x85"),
        ("western", "é", "的"),
        ("western", "a", "\x01"),
    ],
)
def test_the_more_a_language_uses_a_character_the_less_it_costs(
    language: str, frequent: str, rare: str
) -> None:
    costs = character_costs()[language]

    assert costs[frequent] < costs[rare]


def test_a_hanzi_of_a_sister_language_costs_a_little_more_than_there() -> None:
    costs = CharacterCosts("simplified", {"的": 3.5}, [{"燈": 7.0}, {"燈": 8.0}])

    assert costs["燈"] == 10.0
    assert costs["鱻"] > costs["灯"] > costs["燈"]  # not common, common, known to a sister


def test_western_text_has_no_hanzi_and_no_chinese_punctuation() -> None:
    costs = character_costs()

    assert costs["western"]["，"] > costs["simplified"]["，"]
    assert costs["western"]["的"] > costs["simplified"]["的"]
