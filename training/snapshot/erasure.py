"""Erasing a ticket from what trainings learn from: all snapshots, and all seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import SnapshotError
from training.snapshot.manifest import MANIFEST
from training.snapshot.rows import Row
from training.snapshot.seed import load_seed, rewrite_seed, seeds_in
from training.snapshot.snapshot import Snapshot
from training.snapshot.store import rewrite_without


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased.

    Parameters:
        rows: of snapshots and seeds, all together.
        files: how many snapshots and seeds had them.
        unread: folders and files that are damaged, and may have more of them.
    """

    rows: int
    files: int
    unread: Sequence[Path]


def erase_from_snapshots(folder: Path, ticket: int, digest: str) -> Erased:
    """Take a ticket's rows out of all snapshots and seeds; each gets another hash.

    A row of a file is the ticket's where it has its text; rows of other tickets stay, whatever
    they say. The texts' hashes stay in ``learned.parquet``: what was taught never judges.

    Args:
        folder: of all snapshots, which is ``alone`` the caller's.
        ticket: its id.
        digest: hash of its text (``text_hash``). Of one that was erased before nobody knows it, but
            where a decision of it was learned, its rows tell it.

    Raises:
        StorageError: something cannot be read or written.
    """
    unread: list[Path] = []
    snapshots = [one for path in sorted(folder.iterdir()) if (one := _load(path, unread))]
    rows = (row for one in snapshots for part in one.parts.values() for row in part)
    digests = {digest} | {row.digest for row in rows if row.ticket == ticket}
    found = [_erase_from(one, ticket, digests) for one in snapshots]
    for sha256 in seeds_in(folder):
        try:
            before = load_seed(folder, sha256)
        except SnapshotError:
            unread.append(folder / sha256)
            continue
        kept = _without(before, ticket, digests)
        if len(kept) < len(before):
            rewrite_seed(folder, sha256, kept)
        found.append(len(before) - len(kept))
    return Erased(sum(found), sum(map(bool, found)), unread)


def _load(path: Path, unread: list[Path]) -> Snapshot | None:
    if not (path / MANIFEST).is_file():
        return None
    try:
        return Snapshot.load(path)
    except SnapshotError:
        unread.append(path)
        return None


def _erase_from(snapshot: Snapshot, ticket: int, digests: set[str]) -> int:
    kept = {part: _without(rows, ticket, digests) for part, rows in snapshot.parts.items()}
    fewer = {part: rows for part, rows in kept.items() if len(rows) < len(snapshot.parts[part])}
    if fewer:
        rewrite_without(snapshot, fewer)
    return sum(len(snapshot.parts[part]) - len(rows) for part, rows in fewer.items())


def _without(rows: Sequence[Row], ticket: int, digests: set[str]) -> list[Row]:
    return [
        row
        for row in rows
        if not (row.ticket == ticket or (row.origin == "seed" and row.digest in digests))
    ]
