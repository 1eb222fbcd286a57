"""Rows as Parquet, and back."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import SnapshotError
from training.snapshot.rows import Row

ROWS = pa.schema(
    [
        ("text", pa.string()),
        ("unit", pa.string()),
        ("origin", pa.string()),
        ("place", pa.string()),
        ("thought", pa.string()),
        ("ticket", pa.int64()),
        ("asked", pa.string()),
        ("inclusion", pa.float64()),
        ("group", pa.int64()),
        ("weight", pa.float64()),
    ]
)
DIGESTS = pa.schema([("text_sha256", pa.string())])


def rows_content(rows: Sequence[Row]) -> bytes:
    """Return rows as a file's content, which depends on them alone."""
    columns = {name: [getattr(row, name) for row in rows] for name in ROWS.names}
    return _content(pa.table(columns, schema=ROWS))


def read_rows(content: bytes, path: Path) -> list[Row]:
    """Return the rows of a file's content.

    Raises:
        SnapshotError: it is no table of rows.
    """
    return [Row(**values) for values in _read(content, path, ROWS).to_pylist()]


def digests_content(digests: Iterable[str]) -> bytes:
    """Return texts' hashes as a file's content, in their order."""
    return _content(pa.table({"text_sha256": sorted(digests)}, schema=DIGESTS))


def read_digests(content: bytes, path: Path) -> list[str]:
    """Return the hashes of a file's content.

    Raises:
        SnapshotError: it is no table of hashes.
    """
    digests: list[str] = _read(content, path, DIGESTS).column("text_sha256").to_pylist()
    return digests


def _content(table: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _read(content: bytes, path: Path, schema: Any) -> Any:
    try:
        table = pq.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError) as error:
        raise SnapshotError(f"{path} is no Parquet file: build the snapshot anew") from error
    if table.schema.names != schema.names:
        raise SnapshotError(f"{path} has other columns than a snapshot's: build it anew")
    return table
