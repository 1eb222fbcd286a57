"""Names: which spellings are one, and which values stand for none."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.names import is_blank, is_blank_unit, name_key, spelled, tidy_name

NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
INVISIBLE = "\u200b\ufeff\u00ad\u200e\u202e\u2060\u200d\ufe0f\U000e0100\u034f\u3164"


def with_inserted(name: str, place: int, character: str) -> str:
    place %= len(name) + 1
    return name[:place] + character + name[place:]


@given(NAMES)
def test_the_key_of_a_key_is_itself(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)


@given(NAMES, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_the_form_of_a_name_does_not_count(name: str, form: str) -> None:
    assert name_key(unicodedata.normalize(form, name)) == name_key(name)


@given(st.text("城管局水务Ab1 é가", min_size=1), st.integers(0), st.sampled_from(INVISIBLE))
def test_characters_nobody_sees_do_not_count(name: str, place: int, character: str) -> None:
    assert name_key(with_inserted(name, place, character)) == name_key(name)


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1))
def test_width_and_case_do_not_count(name: str) -> None:
    full = "".join(chr(ord(character) + 0xFEE0) for character in name)

    assert name_key(full) == name_key(name) == name_key(name.upper())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("城管局", " 城 管\u00a0局\u3000"),
        ("Café 部", "CAFE\u0301部"),
        ("第（二）处", "第(二)处"),
        ("Water  Works", "water\u00a0works"),
        ("土地局", "⼟地局"),  # a Kangxi radical in place of the character
    ],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("城管局", "城管所"),
        ("1 1组", "11组"),
        ("Route 1 2", "Route 12"),
        ("A局", "B局"),
        ("é", "e"),
    ],
)
def test_names_that_look_different_have_different_keys(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@given(NAMES)
def test_a_tidied_name_is_still_the_name_and_stays_tidy(name: str) -> None:
    tidy = tidy_name(name)

    assert name_key(tidy) == name_key(name)
    assert tidy_name(tidy) == tidy


@pytest.mark.parametrize(("given_", "tidy"), [("城管局\u200b", "城管局"), (" 水务 局 ", "水务 局")])
def test_a_tidied_name_keeps_what_is_seen(given_: str, tidy: str) -> None:
    assert tidy_name(given_) == tidy


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            "  ",
            "\u200b",
            "-",
            "--",
            "——",
            "NULL",
            "null",
            "(null)",
            "\\N",
            "nan",
            "NaN",
            "NaT",
        ),
        *("None", "N/A", "n/a", "Ｎ／Ａ", "#N/A", "无", " 无\u3000", "未知", "暂无", "/"),
    ],
)
def test_placeholders_stand_for_none(value: str) -> None:
    assert is_blank(value)
    assert is_blank_unit(value)


@pytest.mark.parametrize("value", ["待定", "待分配", "TBD"])
def test_undecided_is_no_unit_and_still_a_value(value: str) -> None:
    assert is_blank_unit(value)
    assert not is_blank(value)


@pytest.mark.parametrize("value", ["0", "其他", "无锡市", "城管局", "Nullarbor", "a", "no"])
def test_words_stand_for_themselves(value: str) -> None:
    assert not is_blank_unit(value)


def test_what_looks_alike_is_spelled_apart() -> None:
    assert spelled("Café 部") == "'Café 部'"
    assert spelled("Cafe\u0301 部\u200b") == r"'Cafe\u0301 部\u200b'"
    assert spelled("局\ufe0f") == r"'局\ufe0f'"
