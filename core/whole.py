"""Writes a folder or a file in one step: after a crash there is all of it or nothing."""

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.files import fitting_name


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
    partial = _beside(folder)
    try:
        partial.mkdir(parents=True)
        fill(partial)
        _sync_all(partial)
        _rename(partial, folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def move_folder(folder: Path, target: Path) -> None:
    """Move a whole folder on one file system; a reader sees it in one place or the other.

    Raises:
        FileExistsError: the target is there.
        OSError: it cannot be moved.
    """
    _rename(folder, target)
    _sync(target.parent)


def write_file(path: Path, content: bytes) -> None:
    """Write a file in a folder that is there; a reader sees its old content or the new one.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    partial = _beside(path)
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
    partial = _beside(target)
    try:
        yield partial
        partial.replace(target)
    finally:
        with suppress(OSError):  # its folder may be missing, and the error says so
            partial.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    """Return a hidden name beside a path that nobody else has; a long name is cut for it."""
    return path.with_name(fitting_name(f".{path.name}", f".{secrets.token_hex(4)}.partial"))


def _rename(folder: Path, target: Path) -> None:
    """Give a folder another name, which nothing has.

    Raises:
        FileExistsError: something has it; somebody else may have been quicker.
    """
    _refuse_existing(target)
    try:
        folder.rename(target)
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            raise FileExistsError(f"{target} exists and is never overwritten") from error
        raise


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
