"""Rows go to Parquet and come back; what is none is refused."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import SnapshotError
from tests.support.snapshots import decided, row
from training.snapshot import tables
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


def changed(change: Callable[[Any], Any]) -> bytes:
    """The rows as somebody's program would write them who changed the table."""
    columns = {name: [getattr(row, name) for row in ROWS] for name in tables.ROWS.names}
    buffer = io.BytesIO()
    pq.write_table(change(pa.table(columns, schema=tables.ROWS)), buffer)
    return buffer.getvalue()


def column(name: str, values: list[Any], kind: Any = None) -> Callable[[Any], Any]:
    """Put other values into a column; of the column's own type unless told."""
    at = tables.ROWS.get_field_index(name)
    made = pa.array(values, kind or tables.ROWS.field(name).type)
    return lambda table: table.set_column(at, name, made)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda table: table.drop_columns(["thought"]), "other columns"),
        (lambda table: table.append_column("more", pa.array([1, 2])), "other columns"),
        (lambda table: table.select(tables.ROWS.names[::-1]), "other columns"),
        (column("text", [1, 2], pa.int64()), "other columns"),
        (column("ticket", ["1", "2"], pa.string()), "other columns"),
        (column("weight", [1, 2], pa.int64()), "other columns"),
        (column("text", ["x", None]), "rows without text"),
        (column("unit", [None, None]), "rows without unit"),
        (column("group", [1, None]), "rows without group"),
        (column("origin", ["seed", "hearsay"]), "'ticket 2 .B.' with an origin"),
        (column("weight", [1.0, float("nan")]), "'ticket 2 .B.'.*weight"),
        (column("weight", [-1.0, 1.0]), "'line 1 .A.'.*weight"),
        (column("inclusion", [None, 1.5]), "'ticket 2 .B.'.*chance"),
    ],
)
def test_a_table_that_was_changed_is_refused(change: Callable[[Any], Any], told: str) -> None:
    assert read_rows(changed(lambda table: table), PATH) == ROWS

    with pytest.raises(SnapshotError, match=rf"x\.parquet has .*{told}.*from a backup, or remove"):
        read_rows(changed(change), PATH)


@pytest.mark.parametrize("at", range(0, len(rows_content(ROWS)), 97))
def test_a_table_that_ends_early_is_refused(at: int) -> None:
    with pytest.raises(SnapshotError, match=r"x\.parquet is no Parquet file"):
        read_rows(rows_content(ROWS)[:at], PATH)
