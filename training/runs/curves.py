"""A run's curves on their way into the record.

The process that trains appends each point to a file, and its trainer passes new ones on with its
heartbeats. So a database that is away holds no training up, and no point is lost by it.
"""

import json
import os
from dataclasses import asdict
from pathlib import Path

from core.files import open_private
from db.run_points import Point


def append_point(path: Path, point: Point) -> None:
    """Append a point; a line that a killed process left half written is closed first.

    Raises:
        OSError: the file cannot be written.
    """
    with open(path, "ab", opener=open_private) as file:
        file.write(b"" if _ends_whole(path) else b"\n")
        file.write(json.dumps(asdict(point)).encode() + b"\n")


def read_points(path: Path, offset: int = 0) -> tuple[list[Point], int]:
    """Return the points from an offset in bytes on, and the offset behind them."""
    if not path.exists():
        return [], offset
    with path.open("rb") as file:
        file.seek(offset)
        whole, newline, _ = file.read().rpartition(b"\n")
    lines = whole.split(b"\n") if newline else []
    return [point for line in lines if (point := _parse(line))], offset + len(whole + newline)


def seconds_until(path: Path, step: int) -> float:
    """Return the seconds of training at the newest point up to a step, 0 where there is none."""
    return max((point.seconds for point in read_points(path)[0] if point.step <= step), default=0.0)


def _ends_whole(path: Path) -> bool:
    if path.stat().st_size == 0:
        return True
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def _parse(line: bytes) -> Point | None:
    try:
        return Point(**json.loads(line))
    except (ValueError, TypeError):  # half a line of a killed process
        return None
