"""Readers of whole files: what is no text, which encoding it is in, and CSV and JSONL rows."""

import codecs
import gzip
import json
from pathlib import Path

import pytest

from core.errors import InputError
from producer.files.reader import read_rows
from producer.files.rows import Row

HEADER = "external_id,text\n"


def rows_of(path: Path, content: str | bytes, encoding: str | None = None) -> list[Row]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_rows(path, encoding=encoding))


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    return tmp_path / "tickets.csv"


@pytest.fixture
def jsonl_file(tmp_path: Path) -> Path:
    return tmp_path / "tickets.jsonl"


def test_csv_rows_carry_their_columns_and_lines(csv_file: Path) -> None:
    rows = rows_of(csv_file, "id, text \n1,路灯坏了\n2,水管漏水\n")

    assert rows == [
        Row(2, {"id": "1", "text": "路灯坏了"}),
        Row(3, {"id": "2", "text": "水管漏水"}),
    ]


@pytest.mark.parametrize("named", [None, "utf-8", "UTF8", "utf-8-sig"])
@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(
    tmp_path: Path, suffix: str, named: str | None
) -> None:
    content = {".csv": "text\n漏水\n", ".json": '[{"text": "漏水"}]', ".jsonl": '{"text": "漏水"}'}

    rows = rows_of(tmp_path / f"t{suffix}", codecs.BOM_UTF8 + content[suffix].encode(), named)

    assert [row.values for row in rows] == [{"text": "漏水"}]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", ""])
def test_the_encoding_is_recognised(csv_file: Path, encoding: str, ending: str) -> None:
    rows = rows_of(csv_file, f"id,text\n1,路灯坏了，很黑{ending}".encode(encoding))

    assert [row.values["text"] for row in rows] == ["路灯坏了，很黑"]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("offset", [0, 1, 2, 3])
def test_the_encoding_is_recognised_where_the_probe_cuts_a_character(
    tmp_path: Path, encoding: str, offset: int
) -> None:
    # One line longer than the 64 KB that are probed, its characters shifted byte by byte.
    text = "x" * offset + "漏水的路面" * 20_000
    content = json.dumps([{"text": text}], ensure_ascii=False).encode(encoding)

    [row] = rows_of(tmp_path / "t.json", content)

    assert row.values["text"] == text


def test_quoted_newlines_count_as_lines_and_stay_in_the_text(csv_file: Path) -> None:
    rows = rows_of(csv_file, 'id,text\n1,"一\n二\r\n三"\n\n2,"说""急"""\n')

    assert rows == [
        Row(2, {"id": "1", "text": "一\n二\r\n三"}),
        Row(6, {"id": "2", "text": '说"急"'}),
    ]


def test_a_row_with_too_many_fields_is_reported_and_the_rest_is_read(csv_file: Path) -> None:
    before, wrong, after = rows_of(csv_file, f"{HEADER}1,一\n2,多,一\n3,三\n")

    assert (before.line, wrong.line, after.line) == (2, 3, 4)
    assert after.values == {"external_id": "3", "text": "三"}
    assert wrong.problem is not None
    assert "3 fields where the header has 2" in wrong.problem


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,id,text\n1,一,2\n", "line 1: column 'text' stands twice, as columns 1 and 3"),
        ('id,"text\n1,一\n', "line 1: the header is not CSV"),
    ],
)
def test_a_csv_file_without_a_proper_header_is_refused(
    csv_file: Path, content: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        rows_of(csv_file, content)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_jsonl_goes_on_behind_broken_lines(jsonl_file: Path, ending: str) -> None:
    lines = ['{"text": "一"}', "{broken", "", "[1]", '"just text"', '{"text": "\u2028二"}']

    rows = rows_of(jsonl_file, ending.join(lines))

    assert [row.line for row in rows] == [1, 2, 4, 5, 6]
    assert [row.values for row in rows] == [{"text": "一"}, {}, {}, {}, {"text": "\u2028二"}]
    problems = [row.problem or "" for row in rows]
    assert [problem[:8] for problem in problems] == ["", "not JSON", "a list w", "a str wh", ""]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "integer string conversion"),
    ],
    ids=["nesting", "number"],
)
def test_jsonl_goes_on_behind_what_python_cannot_decode(
    jsonl_file: Path, line: str, reason: str
) -> None:
    first, second = rows_of(jsonl_file, f'{line}\n{{"text": "二"}}\n')

    assert first.problem is not None
    assert reason in first.problem
    assert second == Row(2, {"text": "二"})


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".ndjson"])
@pytest.mark.parametrize("content", ["", " \n\t\r\n ", "\ufeff", "\ufeff\n"])
def test_an_empty_file_is_refused(tmp_path: Path, suffix: str, content: str) -> None:
    with pytest.raises(InputError, match="the file is empty"):
        rows_of(tmp_path / f"t{suffix}", content)


@pytest.mark.parametrize("named", [None, "utf-8", "gb18030"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04rest of an xlsx", "a damaged Excel or zip file .* copied or downloaded whole"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Excel file; save it as .xlsx or CSV"),
        (gzip.compress(b"id,text\n1,a\n"), "gzip-compressed; unpack it"),
        (b"%PDF-1.7", "a PDF; export its table"),
        (b"SQLite format 3\x00", "a SQLite database"),
    ],
    ids=["xlsx", "xls", "gzip", "pdf", "sqlite"],
)
def test_files_of_another_format_are_refused_with_what_to_do(
    csv_file: Path, content: bytes, message: str, named: str | None
) -> None:
    with pytest.raises(InputError, match=message):
        rows_of(csv_file, content, named)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,text\n\x00\x01\x02\x03", "a binary file, not text"),
        (b"id,text\n1,\xff\xff\xff\n", "the encoding is not clear"),
    ],
)
def test_what_is_no_text_is_refused(csv_file: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        rows_of(csv_file, content)


@pytest.mark.parametrize("named", [None, "utf-8"])
def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path, named: str | None) -> None:
    folder = tmp_path / "folder.csv"
    folder.mkdir()

    with pytest.raises(InputError, match=r"missing\.csv: there is no such file"):
        list(read_rows(tmp_path / "missing.csv", encoding=named))
    with pytest.raises(InputError, match=r"folder\.csv: cannot be read: Is a directory"):
        list(read_rows(folder, encoding=named))


@pytest.mark.parametrize("name", ["tickets.doc", "tickets"])
def test_a_name_of_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"must end in one of \.csv, \.tsv"):
        rows_of(tmp_path / name, HEADER)


def test_the_ending_may_be_in_capitals(tmp_path: Path) -> None:
    assert len(rows_of(tmp_path / "EXPORT.CSV", f"{HEADER}1,一\n")) == 1


@pytest.mark.parametrize("named", ["klingon", "", "base64"])
def test_an_unknown_encoding_is_refused_by_its_name(csv_file: Path, named: str) -> None:
    with pytest.raises(InputError, match=f"--encoding '{named}' is no known encoding"):
        rows_of(csv_file, f"{HEADER}1,一\n", named)


@pytest.mark.parametrize("named", ["utf-8", "utf-16"])
@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl"])
def test_a_wrong_encoding_is_refused_with_the_option_that_mends_it(
    tmp_path: Path, suffix: str, named: str
) -> None:
    content = {
        ".csv": "text\n路灯坏了\n",
        ".json": '[{"text": "路灯坏了"}]',
        ".jsonl": '{"text": "路灯坏了"}',
    }

    with pytest.raises(InputError, match=r"not utf-\S+ text .* with --encoding"):
        rows_of(tmp_path / f"t{suffix}", content[suffix].encode("gb18030"), named)


def test_an_encoding_that_changes_behind_the_probe_is_refused_not_misread(csv_file: Path) -> None:
    ascii_rows = "".join(f"{n},plain\n" for n in range(20_000))

    with pytest.raises(InputError, match="--encoding"):
        rows_of(csv_file, f"{HEADER}{ascii_rows}x,路灯坏了\n".encode("gb18030"))
