"""Exported rows as spreadsheets: texts stay texts, and nothing is cut silently."""

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from core.errors import InputError
from db.export_row import EXPORT_COLUMNS
from paidan.cli import sheets
from producer.files.reader import read_rows

SHANGHAI = ZoneInfo("Asia/Shanghai")
TIME = datetime(2026, 3, 1, 1, 30, 0, 500_000, tzinfo=UTC)


def row_of(**values: Any) -> dict[str, Any]:
    return {**dict.fromkeys(EXPORT_COLUMNS), **values}


def table(path: Path, rows: Iterable[Any], *, raw: bool = False, zone: Any = None) -> list[Any]:
    sheets.write_table(path, rows, zone, delimiter=",", raw=raw)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def cells(path: Path) -> list[dict[str, Any]]:
    """The rows of a workbook; each cell with its value and type."""
    [sheet] = load_workbook(path)
    header, *rows = sheet.iter_rows()
    names = [cell.value for cell in header]
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_a_table_holds_objects_as_json_and_times_in_utc(tmp_path: Path) -> None:
    row = row_of(meta={"楼": 3}, top_k=[["甲局", 0.5]], received_at=TIME, confidence=0.25)

    [read] = table(tmp_path / "x.csv", [row])

    assert (read["meta"], read["top_k"]) == ('{"楼": 3}', '[["甲局", 0.5]]')
    assert read["received_at"] == "2026-03-01T01:30:00.500+00:00"
    assert (read["confidence"], read["dead_reason"], read["escaped"]) == ("0.25", "", "")


def test_local_times_are_written_as_spreadsheets_read_them(tmp_path: Path) -> None:
    row = row_of(received_at=TIME)

    [read] = table(tmp_path / "x.csv", [row], zone=SHANGHAI)
    sheets.write_xlsx(tmp_path / "x.xlsx", [row], SHANGHAI)
    with (tmp_path / "x.jsonl").open("w", encoding="utf-8") as stream:
        sheets.write_jsonl(stream, [row], SHANGHAI)

    assert read["received_at"] == "2026-03-01 09:30:00"
    [cell] = cells(tmp_path / "x.xlsx")
    assert (cell["received_at"].value, cell["received_at"].data_type) == (
        datetime(2026, 3, 1, 9, 30),  # noqa: DTZ001  (spreadsheets know no zones)
        "d",
    )
    assert '"received_at": "2026-03-01T09:30:00.500+08:00"' in (tmp_path / "x.jsonl").read_text()


def test_raw_tables_hold_formulas_as_they_are(tmp_path: Path) -> None:
    row = row_of(text="=1+1", external_id="-12")

    [inert] = table(tmp_path / "x.csv", [row])
    [raw] = table(tmp_path / "y.csv", [row], raw=True)

    assert (inert["external_id"], inert["text"]) == ("'-12", "'=1+1")
    assert inert["escaped"] == "external_id text"
    assert (raw["external_id"], raw["text"], raw["escaped"]) == ("-12", "=1+1", "")


@pytest.mark.parametrize(
    "text", ["=1+1", "+86 路灯坏了", "@甲", "#N/A", "202603011234567890", "0012"]
)
def test_a_text_is_a_text_cell_whatever_it_looks_like(tmp_path: Path, text: str) -> None:
    sheets.write_xlsx(tmp_path / "x.xlsx", [row_of(text=text, external_id=text)], None)

    [read] = cells(tmp_path / "x.xlsx")

    for name in ("text", "external_id"):
        assert (read[name].value, read[name].data_type) == (text, "s")


def test_characters_that_xml_cannot_hold_are_escaped_as_excel_does(tmp_path: Path) -> None:
    text = "甲\x00乙\x1f丙\uffff丁\r\n戊 <&> 😀 _x0041_ _x_"
    sheets.write_xlsx(tmp_path / "x.xlsx", [row_of(text=text)], None)

    [seen] = cells(tmp_path / "x.xlsx")
    [read] = read_rows(tmp_path / "x.xlsx")

    assert seen["text"].value == (
        "甲_x0000_乙_x001F_丙_xFFFF_丁_x000D_\n戊 <&> 😀 _x005F_x0041_ _x_"
    )
    assert read.values["text"] == text


def test_a_text_that_is_too_long_for_a_cell_is_cut_with_a_mark(tmp_path: Path) -> None:
    longest, too_long = "路" * 32_767, "😀" * 16_384  # two units each

    count, cut = sheets.write_xlsx(
        tmp_path / "x.xlsx", [row_of(text=longest), row_of(text=too_long)], None
    )

    assert (count, cut) == (2, 1)
    kept, marked = (row["text"].value for row in cells(tmp_path / "x.xlsx"))
    assert kept == longest
    assert len(marked.encode("utf-16-le")) // 2 <= 32_767
    assert marked.startswith("😀" * 16_000)
    assert marked.endswith("😀… [cut: 16,384 characters]")


def test_a_sheet_that_would_be_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "_SHEET_ROWS", 3)
    rows = [row_of(external_id=str(n)) for n in range(3)]

    assert sheets.write_xlsx(tmp_path / "x.xlsx", rows[:2], None) == (2, 0)
    with pytest.raises(InputError, match="more than 2 tickets"):
        sheets.write_xlsx(tmp_path / "y.xlsx", rows, None)
    assert not (tmp_path / "y.xlsx").exists()
