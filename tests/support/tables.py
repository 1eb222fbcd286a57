"""Ticket files for tests: written as bytes and read back as rows."""

import zipfile
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from producer.files.column_names import FIELD_NAMES
from producer.files.reader import read_rows
from producer.files.rows import Row

HEADER = "external_id,text\n"
CHINESE = ("东风路停水两天了，请尽快处理", "井盖丢失很久没有人管", "垃圾没有人收，味道很大")
# Two or three sentences are enough to know an encoding.
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


def rows_of(
    path: Path,
    content: str | bytes,
    encoding: str | None = None,
    used: tuple[str, ...] = FIELD_NAMES,
) -> list[Row]:
    """Write a file, a text as UTF-8, and read its rows."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_rows(path, encoding=encoding, used=used))


def table(*texts: str) -> str:
    """A CSV table of these texts, with ids from 1 on."""
    return HEADER + "".join(f"{number},{text}\n" for number, text in enumerate(texts, 1))


def texts_of(rows: list[Row]) -> list[str | None]:
    """The text of each row, None for a refused one."""
    return [None if row.problem else row.values["text"] for row in rows]


def save(path: Path, *sheets: tuple[str, list[tuple[Any, ...]]]) -> Workbook:
    """Write a workbook of sheets, each with its title and rows."""
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return book


def replace_in(path: Path, part: str, old: bytes, new: bytes) -> None:
    """Change a part of a workbook as openpyxl would not write it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old in parts[part]
    parts[part] = parts[part].replace(old, new)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
