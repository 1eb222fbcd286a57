"""Which encoding a file is in: read as written, or refused with the candidates, never garbled."""

import codecs
import json
from collections import Counter
from pathlib import Path

import pytest

from bench.files import judge
from bench.tables import DIALECTS, ENCODINGS, write_table
from core.errors import InputError
from tests.support.tables import CHINESE, HEADER, TEXTS, rows_of, table, texts_of


@pytest.mark.parametrize("seed", [1, 2])
def test_no_table_is_read_as_another_text_than_was_written(seed: int, tmp_path: Path) -> None:
    results: Counter[tuple[str, str]] = Counter()
    for encoding in ENCODINGS:
        for dialect in DIALECTS:
            written = write_table(seed, dialect, encoding)
            result, detail = judge(written, tmp_path)
            results[encoding, result] += 1
            assert result != "wrong", f"{encoding}, {dialect}: {detail}"

    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert results[encoding, "read"] == len(DIALECTS)
    for encoding in ("gb18030", "gbk", "big5"):
        assert results[encoding, "read"] >= len(DIALECTS) - 1


@pytest.mark.parametrize("encoding", TEXTS)
def test_a_few_sentences_are_enough_to_know_an_encoding(csv_file: Path, encoding: str) -> None:
    rows = rows_of(csv_file, table(*TEXTS[encoding]).encode(encoding))

    assert texts_of(rows) == list(TEXTS[encoding])


def test_one_sentence_of_gb18030_is_enough(csv_file: Path) -> None:
    assert texts_of(rows_of(csv_file, table(CHINESE[0]).encode("gb18030"))) == [CHINESE[0]]


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


def test_an_encoding_that_changes_behind_the_probe_is_refused_not_misread(csv_file: Path) -> None:
    ascii_rows = "".join(f"{n},plain\n" for n in range(20_000))

    with pytest.raises(InputError, match="--encoding"):
        rows_of(csv_file, f"{HEADER}{ascii_rows}x,路灯坏了\n".encode("gb18030"))
