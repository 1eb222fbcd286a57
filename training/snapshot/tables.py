"""Rows as Parquet, and back."""

import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import SnapshotError
from training.snapshot.manifest import CURE
from training.snapshot.rows import Origin, Row

_OPTIONAL = ("ticket", "inclusion")
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
_SHOWN_CHARS = 80


def rows_content(rows: Sequence[Row]) -> bytes:
    """Return rows as a file's content, which depends on them alone."""
    columns = {name: [getattr(row, name) for row in rows] for name in ROWS.names}
    return _content(pa.table(columns, schema=ROWS))


def read_rows(content: bytes, path: Path) -> list[Row]:
    """Return the rows of a file's content.

    Raises:
        SnapshotError: it is no table of rows.
    """
    rows = [Row(**values) for values in _read(content, path, ROWS)]
    wrong = next((row for row in rows if not _is_sound(row)), None)
    if wrong is not None:
        raise SnapshotError(
            f"{path} has {str(wrong)[:_SHOWN_CHARS]!r} with an origin, a weight or a chance that "
            f"no snapshot has: {CURE}"
        )
    return rows


def digests_content(digests: Iterable[str]) -> bytes:
    """Return texts' hashes as a file's content, in their order."""
    return _content(pa.table({"text_sha256": sorted(digests)}, schema=DIGESTS))


def read_digests(content: bytes, path: Path) -> list[str]:
    """Return the hashes of a file's content.

    Raises:
        SnapshotError: it is no table of hashes.
    """
    return [values["text_sha256"] for values in _read(content, path, DIGESTS)]


def _content(table: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _read(content: bytes, path: Path, schema: Any) -> list[dict[str, Any]]:
    """Return the lines of a table that has these columns, of these types, and nothing left out."""
    try:
        table = pq.read_table(io.BytesIO(content))
        is_ours = table.schema.equals(schema)
        lines: list[dict[str, Any]] = table.to_pylist() if is_ours else []
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise SnapshotError(f"{path} is no Parquet file: {CURE}") from error
    if not is_ours:
        raise SnapshotError(f"{path} has other columns than a snapshot's: {CURE}")
    gaps = [name for name in schema.names if name not in _OPTIONAL and table[name].null_count]
    if gaps:
        raise SnapshotError(f"{path} has rows without {gaps[0]}: {CURE}")
    return lines


def _is_sound(row: Row) -> bool:
    """Whether a row is one that a snapshot may have; types are checked already."""
    is_chance = row.inclusion is None or 0 <= row.inclusion <= 1
    is_weight = math.isfinite(row.weight) and row.weight >= 0
    return row.origin in get_args(Origin) and is_chance and is_weight
