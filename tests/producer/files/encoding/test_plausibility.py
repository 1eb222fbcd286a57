"""How plausible a text is: the right reading of bytes costs less than a wrong one."""

import pytest

from producer.files.encoding.plausibility import cost, gain, script_cost
from tests.support.tables import TEXTS


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("gb18030", "big5"), ("big5", "gb18030"), ("shift_jis", "gb18030"), ("euc_kr", "gb18030")],
)
def test_the_right_reading_costs_less_than_a_wrong_one(right: str, wrong: str) -> None:
    text = TEXTS[right][0]

    garbled = text.encode(right).decode(wrong, errors="replace")

    assert cost(text) < cost(garbled)


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "shift_jis", "euc_kr"])
def test_a_sentence_beats_blind_chance(encoding: str) -> None:
    text = TEXTS[encoding][0]

    nats, beyond_ascii = gain(text)

    assert nats > 0.7 * beyond_ascii > 0


def test_ascii_neither_gains_nor_loses() -> None:
    assert gain("plain text") == (0.0, 0)


def test_each_stretch_is_judged_under_its_own_language() -> None:
    chinese, japanese = "路灯坏了" * 50, "道路の街灯" * 40

    assert cost(chinese + japanese) == pytest.approx(cost(chinese) + cost(japanese))


def test_a_byte_that_no_encoding_knows_costs_more_than_a_letter() -> None:
    assert cost("路灯\udcff") > cost("路灯") + 5


@pytest.mark.parametrize("text", ["Ручей разлился", "ปัญหา", "שלום", "Ελλάδα"])
def test_letters_of_one_script_cost_less_than_of_several(text: str) -> None:
    mixed = "".join(f"{letter}д漏é"[i % 4] for i, letter in enumerate(text))

    assert script_cost(text) < script_cost(mixed)
    assert script_cost(text) < cost(text)  # no table has these scripts
