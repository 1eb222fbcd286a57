"""The files of a model version: every byte that is read is the one that training wrote."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from classifier.manifest import CURE, MANIFEST, Manifest, damaged
from core.errors import ModelVersionError, StorageError


def read_manifest(directory: Path, verify: bool = True) -> Manifest:
    """Read a version's manifest and, unless told not to, check every file against its hash.

    Raises:
        ModelVersionError: the directory, the manifest or a file is missing, malformed or changed.
        StorageError: a file is there and cannot be read.
    """
    path = directory / MANIFEST
    if not _is_there(directory):
        raise ModelVersionError(f"model version {directory} does not exist: {CURE}")
    manifest = Manifest.parse(path, _read(path))
    if manifest.name != directory.resolve().name:
        raise ModelVersionError(
            f"{path} is the manifest of {manifest.name!r}: give the directory that name again"
        )
    if verify:
        _verify(directory, manifest)
    return manifest


def read_file(directory: Path, manifest: Manifest, name: str) -> bytes:
    """Return the content of one of the version's files.

    Raises:
        ModelVersionError: the manifest does not list the file, or it is missing or changed.
        StorageError: the file is there and cannot be read.
    """
    if name not in manifest.files:
        raise ModelVersionError(f"{directory / MANIFEST} does not list {name}: {CURE}")
    content = _read(_inside(directory, name))
    if hashlib.sha256(content).hexdigest() != manifest.files[name]:
        raise _changed(directory / name)
    return content


def file_digest(path: Path) -> str:
    """Return the sha256 (hex) of a version's file.

    Raises:
        ModelVersionError: it is missing, or no file.
        StorageError: it is there and cannot be read.
    """
    with _opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_there(directory: Path) -> bool:
    try:
        return directory.is_dir()
    except OSError as error:  # such as a folder above it that this user may not search
        raise StorageError(f"{directory} cannot be read: {error.strerror or error}") from error


def _verify(directory: Path, manifest: Manifest) -> None:
    for name, expected in manifest.files.items():
        path = _inside(directory, name)
        if file_digest(path) != expected:
            raise _changed(directory / name)


def _inside(directory: Path, name: str) -> Path:
    """Return the path of a listed file; a forged manifest may name one that lies elsewhere."""
    try:
        path = (directory / name).resolve()
    except (ValueError, RuntimeError) as error:  # no name of a file; links in a circle
        raise damaged(directory / MANIFEST, f"lists {name!r}, which is no file") from error
    if not path.is_relative_to(directory.resolve()):
        raise damaged(directory / MANIFEST, f"lists {name!r}, which lies outside of its directory")
    return path


def _changed(path: Path) -> ModelVersionError:
    return ModelVersionError(f"{path} was changed after training: {CURE}")


def _read(path: Path) -> bytes:
    with _opened(path) as file:
        return file.read()


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ModelVersionError(f"{path} is no file: {CURE}")
            yield file
    except FileNotFoundError as error:
        raise ModelVersionError(f"{path} is missing: {CURE}") from error
    except IsADirectoryError as error:
        raise ModelVersionError(f"{path} is a directory, and no file: {CURE}") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}") from error


def _without_waiting(path: str, flags: int) -> int:
    """Open as ``open``'s opener does; a pipe in a file's place would wait for a writer."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
