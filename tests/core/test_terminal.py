"""A terminal is shown words, and obeys none of them."""

import pytest

from core.terminal import without_controls


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("路灯　不亮 — é 😀", "路灯　不亮 — é 😀"),
        ("a\x1b[2Jb\rc", r"a\x1b[2Jb\rc"),
        ("a\nrow of ours", r"a\nrow of ours"),
        ("\ud800\u202e\x9b\0", r"\ud800\u202e\x9b\x00"),
    ],
)
def test_what_is_not_printed_is_spelt_out(words: str, shown: str) -> None:
    assert without_controls(words) == shown


def test_breaks_of_our_own_stay() -> None:
    assert without_controls("one\n\ttwo\x1b", "\n\t") == "one\n\ttwo\\x1b"
