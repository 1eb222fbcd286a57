"""Which file is opened and read, and which one is refused."""

from pathlib import Path

import pytest

from core.errors import InputError
from producer.files.reader import read_rows
from tests.support.tables import HEADER, rows_of


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".ndjson"])
@pytest.mark.parametrize("content", ["", " \n\t\r\n ", "\ufeff", "\ufeff\n"])
def test_an_empty_file_is_refused(tmp_path: Path, suffix: str, content: str) -> None:
    with pytest.raises(InputError, match="the file is empty"):
        rows_of(tmp_path / f"t{suffix}", content)


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


def test_a_sheet_cannot_be_named_of_a_text_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("external_id,text\n1,漏水\n")

    with pytest.raises(InputError, match="--sheet is for workbooks"):
        list(read_rows(tmp_path / "t.csv", sheet="a"))
