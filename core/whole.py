"""Writes a folder or a file in one step: after a crash there is all of it or nothing."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Write a folder; a reader sees it whole or not at all, after a power cut too.

    Args:
        folder: where it will lie. Folders above it are made.
        fill: called with an empty folder beside it, writes the files there.

    Raises:
        FileExistsError: it is there; what is there is never overwritten.
        OSError: it cannot be written; nothing is left.
    """
    _refuse_existing(folder)
    # Beside the target, so that the rename stays on one file system; a dot hides it from listings.
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    try:
        partial.mkdir(parents=True)
        fill(partial)
        _sync_all(partial)
        _refuse_existing(folder)
        partial.rename(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def move_folder(folder: Path, target: Path) -> None:
    """Move a whole folder on one file system; a reader sees it in one place or the other.

    Raises:
        FileExistsError: the target is there.
        OSError: it cannot be moved.
    """
    _refuse_existing(target)
    folder.rename(target)
    _sync(target.parent)


def write_file(path: Path, content: bytes) -> None:
    """Write a file in a folder that is there; a reader sees its old content or the new one.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        partial.write_bytes(content)
        _sync(partial)
        partial.replace(path)
        _sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write; what is there takes the place of a user's file when the block ends.

    Until then, and where the block fails, the file is as it was. A link stays one. What is no
    file, such as a terminal, is written as it is.

    Raises:
        OSError: it cannot be written; nothing is left beside it.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        yield path
        return
    # Not made of the file's name: with more characters than that it could be too long.
    partial = target.with_name(f".paidan.{os.getpid()}.{secrets.token_hex(4)}.partial")
    try:
        yield partial
        partial.replace(target)
    finally:
        with suppress(OSError):  # its folder may be missing, and the error says so
            partial.unlink(missing_ok=True)


def _refuse_existing(folder: Path) -> None:
    """Refuse a folder that is there: ``rename()`` would silently replace an empty one.

    Raises:
        FileExistsError: it is there.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists and is never overwritten")


def _sync(path: Path) -> None:
    """Flush a file or a folder's entries to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_all(folder: Path) -> None:
    """Flush everything to disk, so that the rename cannot become durable before the files."""
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)
