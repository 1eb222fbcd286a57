"""Which encoding a file is in: read as written, or refused with the candidates, never garbled."""

import codecs
from collections import Counter
from pathlib import Path

import pytest

from bench.files import judge
from bench.tables import DIALECTS, ENCODINGS, write_table
from core.errors import InputError
from producer.files.reader import read_rows
from producer.files.rows import Row

HEADER = "external_id,text\n"
CHINESE = ("东风路停水两天了，请尽快处理", "井盖丢失很久没有人管", "垃圾没有人收，味道很大")
TEXTS = {
    "gb18030": CHINESE,
    "big5": ("路燈壞了，請派人修理", "垃圾沒有人收，味道很大"),
    "shift_jis": ("道路の街灯が壊れています", "ゴミが回収されません"),
    "euc_jp": ("道路の街灯が壊れています", "ゴミが回収されません"),
    "euc_kr": ("가로등이 고장났습니다", "이틀째 물이 나오지 않습니다"),
    "cp1252": ("La lámpara no funciona", "No hay agua en la calle Jardín"),
    "utf-16-le": CHINESE,
    "utf-16-be": CHINESE,
    "utf-32": CHINESE,
}


def rows_of(path: Path, content: bytes, encoding: str | None = None) -> list[Row]:
    path.write_bytes(content)
    return list(read_rows(path, encoding=encoding))


def table(*texts: str) -> str:
    return HEADER + "".join(f"{number},{text}\n" for number, text in enumerate(texts, 1))


def texts_of(rows: list[Row]) -> list[str | None]:
    return [None if row.problem else row.values["text"] for row in rows]


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    return tmp_path / "tickets.csv"


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


@pytest.mark.parametrize(
    ("content", "candidates"),
    [
        (table("路灯").encode("gb18030"), ("gb18030", "'路灯'")),
        (table("Jardín").encode("cp1252"), ("cp1252", "Jardín")),
        (table("Ручей разлился").encode("cp1251"), ("gb18030",)),
        (table("染水源一").encode("gb18030"), ("gb18030", "染水源一")),
        (table("道路の照明").encode("iso2022_jp"), ("iso2022_jp", "道路の照明")),
        (table("路灯坏了").encode("hz"), ("hz", "路灯坏了")),
        (table("10時〜12時に騒音がします", "街灯が壊れています").encode("shift_jis"), ("cp932",)),
    ],
    ids=["short", "one accent", "cyrillic", "valid utf-8", "iso-2022", "hz", "wave dash"],
)
def test_what_is_not_clear_is_refused_with_the_candidates_and_the_cure(
    csv_file: Path, content: bytes, candidates: tuple[str, ...]
) -> None:
    with pytest.raises(InputError, match="--encoding NAME") as refusal:
        rows_of(csv_file, content)

    assert "line 2: the encoding is not clear" in str(refusal.value)
    for candidate in candidates:
        assert candidate.strip("'") in str(refusal.value)


def test_a_file_half_gb18030_half_big5_is_refused_with_the_line(csv_file: Path) -> None:
    content = table(*CHINESE * 5).encode("gb18030") + "99,路燈壞了，請儘快派人修理\n".encode("big5")

    with pytest.raises(InputError, match="line 17: the encoding is not clear"):
        rows_of(csv_file, content)


def test_a_western_file_with_curly_quotes_is_read(csv_file: Path) -> None:
    """ISO 8859-15 would read control characters there, which no text holds."""
    texts = [
        "L’éclairage de la rue est cassé – depuis hier",
        "Où est la clé de l’école “Jardin” ?",
        "La réparation de la porte coûte 5 € par mois",
    ]

    rows = rows_of(csv_file, table(*texts).encode("cp1252"))

    assert texts_of(rows) == texts


@pytest.mark.parametrize("text", ["Ручей", "é", "שלום", "ปัญหา", "😀", "Ñandú", "Ελλάδα"])
def test_a_little_utf8_of_any_script_is_read(csv_file: Path, text: str) -> None:
    assert texts_of(rows_of(csv_file, table(text).encode())) == [text]


@pytest.mark.parametrize("named", ["gb18030", "big5", "latin-1"])
def test_a_named_encoding_that_would_garble_utf8_is_refused(csv_file: Path, named: str) -> None:
    with pytest.raises(InputError, match=r"this is UTF-8 text, not .*leave --encoding out"):
        rows_of(csv_file, table(*CHINESE).encode(), named)


def test_a_named_encoding_against_the_files_mark_is_refused(csv_file: Path) -> None:
    with pytest.raises(InputError, match="begins with the mark of utf-16, not gb18030"):
        rows_of(csv_file, table(*CHINESE).encode("utf-16"), "gb18030")


def test_a_named_encoding_is_taken_where_the_evidence_is_thin(csv_file: Path) -> None:
    assert texts_of(rows_of(csv_file, table("路灯").encode("gb18030"), "gb18030")) == ["路灯"]
    assert texts_of(rows_of(csv_file, table("Jardín").encode("cp1252"), "latin-1")) == ["Jardín"]


@pytest.mark.parametrize("named", ["gb2312", "GBK", "cp936"])
def test_gb2312_is_taken_with_all_that_was_added_to_it(csv_file: Path, named: str) -> None:
    texts = ("朱镕基路的路灯坏了", "路燈壞了")

    assert texts_of(rows_of(csv_file, table(*texts).encode("gb18030"), named)) == [*texts]


def test_a_mark_of_utf8_before_damaged_text_does_not_make_it_another_encoding(
    csv_file: Path,
) -> None:
    content = codecs.BOM_UTF8 + table(*CHINESE).encode()[:-3] + b"\n"

    assert texts_of(rows_of(csv_file, content)) == [*CHINESE[:2], None]
