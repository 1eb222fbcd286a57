"""Lines of a text file: counted, their ends kept, and never held beyond what a row may have."""

import io

import pytest

from producer.files.lines import Line, open_text, read_lines


def read(content: bytes, encoding: str = "utf-8") -> list[Line]:
    return list(read_lines(open_text(io.BytesIO(content), encoding)))


def test_lines_keep_their_ends_and_are_counted_from_one() -> None:
    lines = read("漏水\r\n\n停电\rend".encode())

    assert [(line.number, line.text) for line in lines] == [
        (1, "漏水\r\n"),
        (2, "\n"),
        (3, "停电\r"),
        (4, "end"),
    ]


def test_what_a_line_separator_of_unicode_parts_is_one_line() -> None:
    assert len(read("a\u2028b\u0085c".encode())) == 1


def test_a_line_that_is_too_long_is_cut_and_the_next_ones_keep_their_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("producer.files.rows.MAX_VALUE_CHARS", 10)

    first, long, after = read(b"a\n" + b"x" * 100_000 + b"\nb\n")

    assert (first.cut, long.cut, after.cut) == (False, True, False)
    assert (long.number, len(long.text)) == (2, 10)
    assert after == Line(3, "b\n")


def test_a_last_line_of_just_the_length_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producer.files.rows.MAX_VALUE_CHARS", 10)

    assert read(b"x" * 10) == [Line(1, "x" * 10)]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le"])
def test_a_byte_that_the_encoding_does_not_know_is_marked_and_swallows_no_line_end(
    encoding: str,
) -> None:
    bad = b"\x00\xdc" if encoding == "utf-16-le" else b"\xff"
    content = "漏".encode(encoding) + bad + "\n水\n".encode(encoding)

    damaged, whole = read(content, encoding)

    assert damaged.text[0] == "漏"
    assert 0xDC00 <= ord(damaged.text[1]) <= 0xDFFF
    assert whole == Line(2, "水\n")
