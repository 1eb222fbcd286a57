"""The files of a model version: every byte that is read is the one that training wrote."""

import hashlib
from pathlib import Path

from classifier.manifest import CURE, MANIFEST, Manifest
from core.errors import ModelVersionError, PaidanError, StorageError


def read_manifest(directory: Path, verify: bool = True) -> Manifest:
    """Read a version's manifest and, unless told not to, check every file against its hash.

    Raises:
        ModelVersionError: the directory, the manifest or a file is missing, malformed or changed.
        StorageError: a file is there and cannot be read.
    """
    path = directory / MANIFEST
    if not directory.is_dir():
        raise ModelVersionError(f"model version {directory} does not exist: {CURE}")
    manifest = Manifest.parse(path, _read(path))
    if manifest.name != directory.resolve().name:
        raise ModelVersionError(
            f"{path} is the manifest of {manifest.name}: give the directory that name again"
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
        ModelVersionError: the file is missing.
        StorageError: the file is there and cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def _verify(directory: Path, manifest: Manifest) -> None:
    for name, expected in manifest.files.items():
        path = _inside(directory, name)
        if file_digest(path) != expected:
            raise _changed(directory / name)


def _inside(directory: Path, name: str) -> Path:
    """Return the path of a listed file; a forged manifest may name one that lies elsewhere."""
    path = (directory / name).resolve()
    if not path.is_relative_to(directory.resolve()):
        raise ModelVersionError(
            f"{directory / MANIFEST} lists {name!r}, which lies outside of its directory: {CURE}"
        )
    return path


def _changed(path: Path) -> ModelVersionError:
    return ModelVersionError(f"{path} was changed after training: {CURE}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> PaidanError:
    if isinstance(error, FileNotFoundError):
        return ModelVersionError(f"{path} is missing: {CURE}")
    return StorageError(f"{path} cannot be read: {error.strerror or error}")
