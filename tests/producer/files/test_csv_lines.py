"""Lines on their way into the csv module: kept while a record lasts, and put back."""

import pytest

from producer.files.csv_lines import CsvLines, RecordTooLongError
from producer.files.lines import Line


def lines_of(*texts: str) -> CsvLines:
    return CsvLines(Line(number, text) for number, text in enumerate(texts, 1))


def test_lines_put_back_are_read_again_before_the_others() -> None:
    lines = lines_of("a\n", "b\n", "c\n", "d\n")
    assert [next(lines) for _ in range(3)] == ["a\n", "b\n", "c\n"]

    lines.put_back(lines.record[1:])
    lines.begin_record()

    assert list(lines) == ["b\n", "c\n", "d\n"]
    assert [line.number for line in lines.record] == [2, 3, 4]


def test_a_record_of_more_than_2000_lines_is_too_long() -> None:
    lines = lines_of(*["x\n"] * 2001)

    for _ in range(2000):
        next(lines)
    assert not lines.has_too_many
    with pytest.raises(RecordTooLongError):
        next(lines)
    assert lines.has_too_many


def test_a_new_record_has_all_the_room_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producer.files.rows.MAX_VALUE_CHARS", 10)
    lines = lines_of("12345\n", "6789\n", "12345\n")
    assert next(lines) == "12345\n"
    with pytest.raises(RecordTooLongError):
        next(lines)

    lines.begin_record()

    assert next(lines) == "12345\n"


def test_a_line_that_was_cut_is_too_long() -> None:
    lines = CsvLines(iter([Line(1, "x", cut=True)]))

    with pytest.raises(RecordTooLongError):
        next(lines)
