"""Workbooks that are damaged, or unpack to far too much."""

from pathlib import Path

import pytest

from core.errors import InputError
from producer.files.reader import read_rows
from tests.support.tables import (
    replace_in,
    save,
)

COLUMNS = ("external_id", "text")


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_a_workbook_cut_off_is_called_damaged(book_file: Path, kept: float) -> None:
    save(book_file, ("a", [COLUMNS, *((str(n), f"漏水{n}") for n in range(500))]))
    content = book_file.read_bytes()
    book_file.write_bytes(content[: int(len(content) * kept)])

    with pytest.raises(InputError, match="damaged"):
        list(read_rows(book_file))


def test_damage_inside_a_workbook_is_told_as_such(book_file: Path) -> None:
    save(book_file, ("a", [COLUMNS, ("1", "漏水")]))
    replace_in(book_file, "xl/worksheets/sheet1.xml", b"</row>", b"</rows>")

    with pytest.raises(InputError, match=r"a damaged workbook .* open it in Excel"):
        list(read_rows(book_file))


def test_entities_that_multiply_are_refused(book_file: Path) -> None:
    save(book_file, ("a", [COLUMNS, ("1", "漏水")]))
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><worksheet '
    replace_in(book_file, "xl/worksheets/sheet1.xml", b"<worksheet ", bomb)

    with pytest.raises(InputError, match=r"a damaged workbook .Entities"):
        list(read_rows(book_file))


def test_a_workbook_that_unpacks_to_far_too_much_is_refused_unread(book_file: Path) -> None:
    save(book_file, ("a", [COLUMNS, ("1", "漏水")]))
    replace_in(
        book_file, "xl/worksheets/sheet1.xml", b"<sheetData>", b"<sheetData>" + b" " * (20 << 20)
    )

    with pytest.raises(InputError, match="unpacks to 20 MiB, more than a workbook may"):
        list(read_rows(book_file))
