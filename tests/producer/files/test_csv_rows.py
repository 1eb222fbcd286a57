"""Delimited text as systems export it: dialects, headers, rows of other lengths, open quotes."""

import tracemalloc
from pathlib import Path

import pytest

from core.errors import InputError
from producer.files.header import ABOVE_NOTE, SHORT_NOTE
from producer.files.reader import read_rows
from producer.files.rows import Row

HEADER = "external_id,text\n"


def rows_of(path: Path, content: str, used: tuple[str, ...] | None = None) -> list[Row]:
    path.write_bytes(content.encode())
    return list(read_rows(path) if used is None else read_rows(path, used=used))


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    return tmp_path / "tickets.csv"


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".csv", "external_id;text\n1;路灯坏了，很黑, 请修, 谢谢, 急\n2;a, b, c\n"),
        (
            ".csv",
            'sep=;\r\nexternal_id;text\r\n1;"路灯坏了，很黑, 请修, 谢谢, 急"\r\n2;a, b, c\r\n',
        ),
        (".tsv", "external_id\ttext\n1\t路灯坏了，很黑, 请修, 谢谢, 急\n2\ta, b, c\n"),
        (".txt", "external_id|text\n1|路灯坏了，很黑, 请修, 谢谢, 急\n2|a, b, c\n"),
        (".csv", 'external_id, text\n1, "路灯坏了，很黑, 请修, 谢谢, 急"\n2, "a, b, c"\n'),
        (".tab", '"external_id"\t"text"\n"1"\t"路灯坏了，很黑, 请修, 谢谢, 急"\n2\ta, b, c\n'),
    ],
    ids=["semicolon", "sep", "tab", "pipe", "spaces before quotes", "quoted tabs"],
)
def test_the_delimiter_is_known_by_the_first_lines(
    tmp_path: Path, suffix: str, content: str
) -> None:
    rows = rows_of(tmp_path / f"t{suffix}", content)

    texts = ["路灯坏了，很黑, 请修, 谢谢, 急", "a, b, c"]
    assert [row.values for row in rows] == [
        {"external_id": str(number), "text": text} for number, text in enumerate(texts, 1)
    ]


def test_a_delimiter_is_known_though_no_name_in_the_header_is(csv_file: Path) -> None:
    texts = ["der Aufzug steht; seit gestern", "es regnet; durchs Dach"]

    rows = rows_of(csv_file, "Nr|Gebäude\n" + "".join(f"{n}|{t}\n" for n, t in enumerate(texts)))

    assert [row.values for row in rows] == [
        {"Nr": str(number), "Gebäude": text} for number, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("content", "values", "line"),
    [
        ("external_id,text,,\n1,漏水,,\n", {"external_id": "1", "text": "漏水"}, 2),
        ("\n ,\nexternal_id,text\n1,漏水\n", {"external_id": "1", "text": "漏水"}, 4),
        (
            "text,备注,备注\n漏水,a,b\n",
            {"text": "漏水", "备注": "a", "备注 (2)": "b"},
            2,
        ),
        (",text\n0,漏水\n", {"column 1": "0", "text": "漏水"}, 2),
        (" External_ID , Text \n1,漏水\n", {"External_ID": "1", "Text": "漏水"}, 2),
    ],
    ids=["trailing nameless", "blank lines above", "unused double", "index", "spaces and case"],
)
def test_headers_of_ordinary_exports_are_taken(
    csv_file: Path, content: str, values: dict[str, str], line: int
) -> None:
    assert rows_of(csv_file, content) == [Row(line, values)]


@pytest.mark.parametrize(
    "top",
    [
        "2026年3月热线工单导出表,,,\n",
        "热线工单导出表\n导出时间：2026-03-01\n\n",
        '"工单导出表\n第二行"\n',
    ],
    ids=["title", "two lines", "title over two lines"],
)
def test_titles_above_the_header_are_left_out_with_a_note(csv_file: Path, top: str) -> None:
    content = top + "external_id,text,district,备注\nE1,路灯坏了,南区,\nE2,漏水,北区,\n"

    first, second = rows_of(csv_file, content)

    assert first.values["text"] == "路灯坏了"
    assert (first.notes, second.notes) == ((ABOVE_NOTE,), ())
    assert first.line == top.count("\n") + 2


def test_a_mapped_column_finds_the_header_too(csv_file: Path) -> None:
    content = "某市某区导出\n流水,说了什么,哪里\nA1,漏水,南区\n"

    [row] = rows_of(csv_file, content, used=("说了什么", "流水"))

    assert row.values == {"流水": "A1", "说了什么": "漏水", "哪里": "南区"}


def test_a_first_row_is_never_taken_for_a_title_where_it_may_be_the_header(csv_file: Path) -> None:
    [row] = rows_of(csv_file, "诉求,,\n漏水,南区,text\n", used=("诉求",))

    assert row.problem is not None  # three fields where one column has a name
    assert row.line == 2


def test_short_rows_are_filled_up_with_a_note(csv_file: Path) -> None:
    content = "external_id,text,district,备注\nB1,路灯坏了,南区,已联系\nB2,井盖丢了\nB3,漏水,北区\n"

    rows = rows_of(csv_file, content)

    assert [row.values["district"] for row in rows] == ["南区", "", "北区"]
    assert [row.notes for row in rows] == [(), (SHORT_NOTE,), (SHORT_NOTE,)]
    assert all(row.problem is None for row in rows)


def test_a_line_break_inside_a_text_without_quotes_makes_no_tickets(csv_file: Path) -> None:
    content = (
        "external_id,text,district\nB1,路灯坏了,南区\nB2,水管漏\n水很久了\n急,北区\nB3,停水,南区\n"
    )

    whole, *pieces, after = rows_of(csv_file, content)

    assert (whole.values["external_id"], after.values["external_id"]) == ("B1", "B3")
    assert [piece.line for piece in pieces] == [3, 4, 5]
    assert all("a line break inside a text" in (piece.problem or "") for piece in pieces)


def test_a_sum_below_short_rows_costs_none_of_them(csv_file: Path) -> None:
    content = "external_id,text,district\nB1,路灯坏了,南区\nB2,漏水\n合计：2件\n"

    rows = rows_of(csv_file, content)

    assert [row.problem for row in rows] == [None, None, None]


def test_extra_fields_are_taken_where_they_are_empty_and_else_refused(csv_file: Path) -> None:
    empty, full, named = rows_of(csv_file, f"{HEADER}1,一,,\n2,多,一\n3,三\n")

    assert (empty.values, empty.problem) == ({"external_id": "1", "text": "一"}, None)
    assert full.line == 3
    assert full.problem is not None
    assert "3 fields where the header has 2" in full.problem
    assert named.values["text"] == "三"


def test_a_used_column_that_stands_twice_is_refused_with_both_places(csv_file: Path) -> None:
    message = "line 1: column 'text' stands twice, as columns 2 and 4"
    with pytest.raises(InputError, match=message):
        rows_of(csv_file, "id,text,备注, Text\n1,一,a,二\n")


def test_a_header_that_stands_again_is_no_ticket(csv_file: Path) -> None:
    rows = rows_of(csv_file, f"{HEADER}1,一\n{HEADER}2,二\n")

    assert [row.values["text"] for row in rows] == ["一", "二"]


@pytest.mark.parametrize(
    "content",
    [
        '2,"二\n3,三\n4,四\n',
        '2,"二\n3,三\n4,"四"\n',
        '2,"二\n3,三\n4,"四, 五"\n',
        '2,"二" 说\n3,三\n4,四\n',
    ],
    ids=["to the end", "to the next quote", "a comma in the next quote", "text behind a quote"],
)
def test_an_open_quote_costs_its_row_alone(csv_file: Path, content: str) -> None:
    first, broken, third, fourth = rows_of(csv_file, f"{HEADER}1,一\n{content}")

    assert first.values["text"] == "一"
    assert (broken.line, broken.values) == (3, {})
    assert broken.problem is not None
    assert "quote" in broken.problem
    assert third == Row(4, {"external_id": "3", "text": "三"})
    assert fourth.values["text"].startswith("四")


def test_an_open_quote_in_a_long_file_does_not_swallow_it(csv_file: Path) -> None:
    rest = "".join(f"{number},漏水{number}\n" for number in range(3, 9000))

    rows = rows_of(csv_file, f'{HEADER}1,一\n2,"二\n{rest}')

    assert [row.line for row in rows if row.problem] == [3]
    assert rows[-1].values == {"external_id": "8999", "text": "漏水8999"}
    assert len(rows) == 8999


def test_the_lines_of_a_text_with_broken_quotes_are_no_rows_of_their_own(csv_file: Path) -> None:
    letter = '2,"他说"急"\n第二行很长\n第三行"\n3,三\n'

    rows = rows_of(csv_file, f"{HEADER}1,一\n{letter}")

    taken = [row.values["text"] for row in rows if row.problem is None]
    assert taken == ["一", "三"]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json"])
def test_an_overlong_row_is_refused_alone_and_never_held(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a text of 8 million characters where 100,000 are the limit
    monkeypatch.setattr("producer.files.rows.MAX_VALUE_CHARS", 100_000)
    long = "漏水" * 4_000_000
    content = {
        ".csv": f"{HEADER}1,一\n2,{long}\n3,三\n",
        ".jsonl": f'{{"text": "一"}}\n{{"text": "{long}"}}\n{{"text": "三"}}\n',
        ".json": f'[{{"text": "一"}},\n{{"text": "{long}"}},\n{{"text": "三"}}]',
    }
    path = tmp_path / f"t{suffix}"
    path.write_bytes(content[suffix].encode())
    del long, content

    tracemalloc.start()
    try:
        rows = list(read_rows(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    texts = [row.values.get("text") for row in rows if row.problem is None]
    assert texts == ["一", "三"]
    assert rows[1].line == (3 if suffix == ".csv" else 2)
    assert rows[1].problem is not None
    assert "longer than 100,000 characters" in rows[1].problem
    assert peak < 6 << 20  # the text alone takes 16 MB in memory
