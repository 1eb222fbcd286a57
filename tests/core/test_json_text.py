"""JSON is read, or refused in a few words."""

import json

import pytest

from core.json_text import parse_json


def test_bytes_and_texts_are_read_alike() -> None:
    assert parse_json('{"a": ["诃", 1]}') == parse_json('{"a": ["诃", 1]}'.encode())
    assert parse_json("\ud800".join('""').encode("utf-8", "surrogatepass"), "surrogatepass")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (json.dumps("x").encode("utf-16"), "not UTF-8"),
        (b"\xff" * 10_000, "not UTF-8"),
        (b"9" * 10_000, "digits"),
        (b"PK\x03\x04 secret", "Expecting value"),
    ],
)
def test_what_is_no_json_is_refused_in_a_few_words(content: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told) as refused:
        parse_json(content)

    assert len(str(refused.value)) < 150
    assert "secret" not in str(refused.value)
