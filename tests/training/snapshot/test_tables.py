"""Rows go to Parquet and come back; what is none is refused."""

from pathlib import Path

import pytest

from core.errors import SnapshotError
from tests.support.snapshots import decided, row
from training.snapshot.tables import digests_content, read_digests, read_rows, rows_content

PATH = Path("x.parquet")
ROWS = [row(1, thought="因为"), decided(2, "B", inclusion=0.25, weight=0.3)]


def test_rows_come_back_as_they_were() -> None:
    assert read_rows(rows_content(ROWS), PATH) == ROWS
    assert read_rows(rows_content([]), PATH) == []
    assert rows_content(ROWS) == rows_content(list(ROWS))


def test_hashes_come_back_in_their_order() -> None:
    assert read_digests(digests_content({"b", "a"}), PATH) == ["a", "b"]


def test_what_is_no_table_of_rows_is_refused() -> None:
    with pytest.raises(SnapshotError, match=r"x\.parquet is no Parquet file"):
        read_rows(b"PAR1 nothing PAR1", PATH)
    with pytest.raises(SnapshotError, match=r"x\.parquet has other columns"):
        read_rows(digests_content({"a"}), PATH)
