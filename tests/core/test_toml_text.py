"""TOML is read, or refused in a few words."""

import pytest

from core.toml_text import parse_toml


def test_bytes_and_texts_are_read_alike() -> None:
    assert parse_toml('a = "诃"') == parse_toml('a = "诃"'.encode()) == {"a": "诃"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a = ", "Invalid value"),
        (b"a = " + b"[" * 100_000, "nested too deeply"),
        (b"a = " + b"{x=" * 100_000, "nested too deeply"),
        (b"\xff\xfe" * 999, "not UTF-8"),
    ],
)
def test_what_is_no_toml_is_refused_in_a_few_words(content: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told) as refused:
        parse_toml(content)

    assert len(str(refused.value)) < 100
