"""The list of labels that look wrong, kept beside a snapshot before a run learns from it.

It has places and units and no text: ``paidan data suspects`` shows what they say.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from core.json_text import parse_json
from core.whole import write_file
from training.progress import Progress

if TYPE_CHECKING:
    from training.snapshot.snapshot import Snapshot
    from training.suspects import Suspect

FILE = "suspects.jsonl"
LISTED = 0.1
"""Of all tickets, the most suspect ones; and those that are marked. Measured: this share has nearly
all planted labels, and the marked alone three quarters."""


def keep_suspects(snapshot: "Snapshot", progress: Progress) -> None:
    """List a snapshot's suspects, once, and say how many there are; nothing is dropped for it.

    Raises:
        StorageError: the list cannot be written.
    """
    from training.snapshot.store import explained
    from training.suspects import quick_suspects

    path = snapshot.path / FILE
    count = _count(path)
    if count is None:
        samples = [row.as_sample() for rows in snapshot.parts.values() for row in rows]
        found = quick_suspects(samples, progress)
        if found is None:
            return
        most = LISTED * len(found)
        listed = [one for at, one in enumerate(found) if at < most or one.confident]
        with explained(snapshot.path):
            write_file(path, "".join(map(_line, listed)).encode())
        count = sum(one.confident for one in listed)
    progress.say(f"{count:,} labels look wrong, none is left out for it: {path}")


def find_list(folder: Path, sha256: str) -> tuple[int, Path] | None:
    """Return how many labels of a snapshot are marked, and where the list is; None without one.

    Args:
        folder: of all snapshots.
        sha256: of the snapshot.
    """
    for path in folder.glob(f"*-{sha256[:12]}/{FILE}"):
        if (count := _count(path)) is not None:
            return count, path
    return None


def _line(one: "Suspect") -> str:
    facts = {
        "place": one.sample.source,
        "unit": one.sample.unit,
        "suggested": one.suggested,
        "confidence": round(one.confidence, 6),
        "suspect": one.confident,
    }
    return json.dumps(facts, ensure_ascii=False) + "\n"


def _count(path: Path) -> int | None:
    """Return how many labels of a list are marked; None where somebody changed or cut it."""
    try:
        rows = [parse_json(line) for line in path.read_bytes().splitlines()]
        return sum(bool(row["suspect"]) for row in rows)
    except (OSError, ValueError, KeyError, TypeError):
        return None
