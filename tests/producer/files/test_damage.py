"""Damage: a bad byte costs its row alone, whatever the encoding."""

import codecs
from pathlib import Path

import pytest

from tests.support.tables import (
    CHINESE,
    HEADER,
    TEXTS,
    rows_of,
    table,
    texts_of,
)


@pytest.mark.parametrize("cut", [1, 2])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_character_cut_off_in_utf8_costs_its_row_alone(
    csv_file: Path, count: int, cut: int
) -> None:
    texts = ("路灯坏了", "井盖丢了", "垃圾没收没人管")
    content = table(*texts[-count:]).encode().removesuffix(b"\n")[:-cut] + b"\n"

    rows = rows_of(csv_file, content)

    assert texts_of(rows) == [*texts[-count:-1], None]
    assert rows[-1].line == count + 1
    assert rows[-1].problem is not None
    assert "which is no UTF-8" in rows[-1].problem
    assert rows[-1].values["external_id"] == str(count)


@pytest.mark.parametrize("named", [None, "utf-8"])
def test_a_bad_byte_far_behind_the_beginning_costs_its_row_alone(
    csv_file: Path, named: str | None
) -> None:
    # given a file of 250 KB with one bad byte at its end
    lines = table(*(f"第{number}号路灯坏了请尽快派人来修一下谢谢" for number in range(4000)))
    content = lines.encode().split(b"\n")
    content[3501] = content[3501][:-1]

    rows = rows_of(csv_file, b"\n".join(content), named)

    assert len(rows) == 4000
    assert [row.line for row in rows if row.problem] == [3502]


def test_a_row_of_another_encoding_in_a_utf8_file_is_refused_alone(csv_file: Path) -> None:
    foreign = HEADER.encode() + b"1," + CHINESE[0].encode() + b"\n2," + CHINESE[1].encode("gb18030")
    content = foreign + b"\n3," + CHINESE[2].encode() + b"\n"

    assert texts_of(rows_of(csv_file, content)) == [CHINESE[0], None, CHINESE[2]]


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "cp932"])
@pytest.mark.parametrize("named", [True, False])
def test_a_bad_byte_in_another_encoding_costs_its_row_alone(
    csv_file: Path, encoding: str, named: bool
) -> None:
    texts = [*TEXTS["shift_jis" if encoding == "cp932" else encoding]] * 4
    content = table(*texts).encode(encoding).replace(b"\n3,", b"\xff\n3,")

    rows = rows_of(csv_file, content, encoding if named else None)

    assert texts_of(rows) == [texts[0], None, *texts[2:]]
    assert rows[1].line == 3


def test_a_mark_of_utf8_before_damaged_text_does_not_make_it_another_encoding(
    csv_file: Path,
) -> None:
    content = codecs.BOM_UTF8 + table(*CHINESE).encode()[:-3] + b"\n"

    assert texts_of(rows_of(csv_file, content)) == [*CHINESE[:2], None]
