"""Model versions are written: a directory that is there whole or not at all."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from classifier.manifest import (
    MANIFEST,
    BaseReference,
    Calibration,
    LearnedUnit,
    Manifest,
    TrainingFacts,
    taxonomy_digest,
)
from classifier.version_files import file_digest
from core.errors import ModelVersionError, StorageError
from core.whole import move_folder, write_folder
from registry.lineage import UNKNOWN, Origin, lineage_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class TrainedVersion:
    """A model version that training has written.

    Parameters:
        path: its directory.
        manifest: with its ``files``.
    """

    path: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        """The version's name."""
        return self.manifest.name


def store_version(
    models_dir: Path,
    kind: str,
    learned: Sequence[str],
    units: Mapping[str, str],
    *,
    calibration: Calibration,
    metrics: Mapping[str, JsonValue],
    training: TrainingFacts,
    origin: Origin = UNKNOWN,
    base: BaseReference | None = None,
    write_files: Callable[[Path], None],
) -> TrainedVersion:
    """Write a version named after its kind, the time and its data (see ``write_version``).

    Args:
        models_dir: the folder of all versions.
        kind: which classifier reads it.
        learned: codes of the learned units, in class order.
        units: code -> name of all units there are.
        calibration: from held-out data.
        metrics: held-out measurements, by name.
        training: what it was trained on.
        origin: what started the training.
        base: an LLM's base.
        write_files: called with an empty directory, writes the kind's files there.

    Raises:
        StorageError: the files cannot be written.
    """
    now = datetime.now(UTC)
    manifest = Manifest(
        name=make_name(kind, now, _digest(training, now)),
        kind=kind,
        created_at=now,
        units=tuple(LearnedUnit(code=code, name=units[code]) for code in learned),
        taxonomy_sha256=taxonomy_digest(units),
        calibration=calibration,
        metrics=dict(metrics),
        training=training,
        lineage=lineage_of(origin, training.settings, base),
    )
    path = models_dir / manifest.name
    return TrainedVersion(path, write_version(path, manifest, write_files))


def _digest(training: TrainingFacts, now: datetime) -> str:
    """Return a hash (hex) of the data and the microsecond.

    Two trainings on the same data in one second so get two names.
    """
    return hashlib.sha256(f"{training.data_sha256} {now.isoformat()}".encode()).hexdigest()


def make_name(kind: str, now: datetime, digest: str) -> str:
    """Return a version's name: readable, sortable by time, told apart by its digest."""
    return f"{kind}-{now.astimezone(UTC):%Y%m%d-%H%M%S}-{digest[:6]}"


def write_version(
    directory: Path, manifest: Manifest, write_files: Callable[[Path], None]
) -> Manifest:
    """Write a model version in one step: after a crash there is all of it or nothing.

    Args:
        directory: where it will lie; its last part must be ``manifest.name``.
        manifest: all but its ``files``.
        write_files: called with an empty directory, writes the version's files there.

    Returns:
        The manifest with its ``files``, as written.

    Raises:
        ModelVersionError: the name is malformed or taken.
        StorageError: the files cannot be written; names the path.
    """
    _check_name(directory, manifest.name)
    sealed: list[Manifest] = []

    def fill(partial: Path) -> None:
        write_files(partial)
        sealed.append(_seal(partial, manifest))

    try:
        write_folder(directory, fill)
    except FileExistsError as error:
        raise _taken(directory) from error
    except OSError as error:
        raise StorageError(
            f"model version {manifest.name} cannot be written to {error.filename or directory}: "
            f"{error.strerror or error}; free space there, or set PAIDAN_MODELS_DIR to a "
            "directory that this user may write"
        ) from error
    return sealed[0]


def move_version(version: TrainedVersion, models_dir: Path) -> TrainedVersion:
    """Move a whole version to the folder of all versions, on the same file system, in one step.

    Raises:
        ModelVersionError: its name is taken.
        StorageError: it cannot be moved.
    """
    directory = models_dir / version.name
    try:
        move_folder(version.path, directory)
    except FileExistsError as error:
        raise _taken(directory) from error
    except OSError as error:
        raise StorageError(
            f"model version {version.name} cannot be moved to {directory}: {error.strerror}"
        ) from error
    return TrainedVersion(directory, version.manifest)


def _taken(directory: Path) -> ModelVersionError:
    return ModelVersionError(
        f"model version {directory} exists and is never overwritten: choose another name"
    )


def _check_name(directory: Path, name: str) -> None:
    if not _NAME.fullmatch(name) or directory.name != name:
        raise ModelVersionError(
            f"model version {name!r} cannot be written to {directory}: the directory is "
            "called like the version, in letters, digits and . _ -"
        )


def _seal(directory: Path, manifest: Manifest) -> Manifest:
    """Write the manifest with the hashes of all files there are; return it."""
    manifest = manifest.model_copy(update={"files": _hash_all(directory)})
    text = manifest.model_dump_json(indent=2, ensure_ascii=True)
    (directory / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return manifest


def _hash_all(directory: Path) -> dict[str, str]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): file_digest(path) for path in files}
