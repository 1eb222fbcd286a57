"""The folder of all snapshots: one is written whole, and the newest is found again."""

import fcntl
import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from core.errors import StorageError
from core.files import private_folder
from core.whole import write_folder
from training.snapshot.manifest import MANIFEST, SnapshotManifest
from training.snapshot.rows import PARTS, Part, Row
from training.snapshot.snapshot import LEARNED, Snapshot, file_of
from training.snapshot.tables import digests_content, rows_content

FOLDER = "snapshots"
"""In the folder of all versions: what a version learned stands beside it."""

_NAME = re.compile(r"\d{6,}-[0-9a-f]{12}")


def snapshots_in(models_dir: Path) -> Path:
    """Return the folder of all snapshots."""
    return models_dir / FOLDER


def newest_path(folder: Path) -> Path | None:
    """Return the newest snapshot's folder, None where there is none."""
    if not folder.is_dir():
        return None
    found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    return max(found, key=lambda path: int(path.name.partition("-")[0]), default=None)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until nobody else writes a snapshot here, and let nobody else until the block ends.

    Raises:
        StorageError: the folder cannot be made.
    """
    with explained(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        private_folder(folder)
        lock = (folder / ".lock").open("wb")
    with lock:
        with explained(folder):
            fcntl.flock(lock, fcntl.LOCK_EX)
            _clear(folder)
        yield


def _clear(folder: Path) -> None:
    """Remove what was left half done where somebody was killed, and end what was nearly done."""
    for left in folder.glob("**/.*.partial"):
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    for left in folder.glob(".*.replaced"):
        path = folder / left.name.removeprefix(".").removesuffix(".replaced")
        shutil.rmtree(left) if path.is_dir() else left.rename(path)


def write_snapshot(
    folder: Path,
    manifest: SnapshotManifest,
    parts: Mapping[Part, Sequence[Row]],
    learned_before: frozenset[str],
    parent: Snapshot | None,
) -> Snapshot:
    """Write a snapshot in one step; one that is the same as the newest is not written again.

    Args:
        folder: of all snapshots, which is ``alone`` the caller's.
        manifest: all but its files and hash.
        parts: the rows.
        learned_before: see ``Snapshot``.
        parent: the newest snapshot there is.

    Raises:
        StorageError: it cannot be written; nothing is left of it.
    """
    files = {file_of(part): rows_content(parts[part]) for part in PARTS}
    files[LEARNED] = digests_content(learned_before)
    sealed = manifest.sealed({name: _digest(content) for name, content in files.items()})
    if parent is not None and parent.sha256 == sealed.sha256:
        return parent

    path = folder / sealed.name
    with explained(folder):
        write_folder(path, lambda partial: _fill(partial, sealed, files))
    return Snapshot(path, sealed, parts, learned_before)


def rewrite_without(snapshot: Snapshot, parts: Mapping[Part, Sequence[Row]]) -> None:
    """Replace a snapshot by itself with fewer rows, under its old name and a new hash.

    There is the old one or the new one after a crash, as soon as the folder is ``alone`` somebody's
    again; what is left of the old one is removed then.

    Args:
        snapshot: lies in a folder that is ``alone`` the caller's.
        parts: those of its parts that have fewer rows now.

    Raises:
        StorageError: it cannot be written; the old one is there.
    """
    path = snapshot.path
    changed = {file_of(part): rows_content(rows) for part, rows in parts.items()}
    erased = sum(len(snapshot.parts[part]) - len(rows) for part, rows in parts.items())
    hashes = {name: _digest(content) for name, content in changed.items()}
    sealed = snapshot.manifest.without(erased, hashes)
    fresh, replaced = (path.with_name(f".{path.name}.{end}") for end in ("partial", "replaced"))
    with explained(path):
        kept = {name: (path / name).read_bytes() for name in sealed.files if name not in changed}
        write_folder(fresh, lambda partial: _fill(partial, sealed, changed | kept))
        path.rename(replaced)
        fresh.rename(path)
        shutil.rmtree(replaced)


def _fill(partial: Path, sealed: SnapshotManifest, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (partial / name).write_bytes(content)
    text = sealed.model_dump_json(indent=2, ensure_ascii=True)
    (partial / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn a fault of the disk into an error that says what to do.

    Raises:
        StorageError: there was one.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"a snapshot cannot be written to {error.filename or folder}: "
            f"{error.strerror or error}; free space there, or set PAIDAN_MODELS_DIR to a directory "
            "that this user may write"
        ) from error
