"""An exported file is there whole or not at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError, StorageError
from paidan.cli.export_file import check_name, write_file


def breaking() -> Iterator[dict[str, Any]]:
    yield {"external_id": "1"}
    raise RuntimeError("the database has gone")


@pytest.mark.parametrize("name", ["t.csv", "t.TSV", "t.xlsx", "t.jsonl", "t.ndjson", "-"])
def test_a_form_is_known_by_its_name(name: str) -> None:
    check_name(Path(name))


def test_another_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"must end in \.csv, \.tsv, \.xlsx or \.jsonl"):
        check_name(Path("t.txt"))


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx", "t.jsonl"])
def test_rows_that_break_off_leave_the_old_file_and_no_other(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("old")

    with pytest.raises(RuntimeError):
        write_file(tmp_path / name, breaking(), None, raw=False)

    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "old"


def test_the_number_of_rows_is_returned_and_a_folder_that_is_not_there_is_named(
    tmp_path: Path,
) -> None:
    rows = [{"external_id": "1"}, {"external_id": "2"}]

    assert write_file(tmp_path / "t.jsonl", rows, None, raw=False) == 2
    with pytest.raises(StorageError, match="nowhere"):
        write_file(tmp_path / "nowhere" / "t.jsonl", rows, None, raw=False)
