"""A model version is a directory: its files, and a manifest that describes and hashes them.

A version is written once and never changed. Everything is read through ``read_manifest``, which
refuses a directory in which a byte differs from what training wrote.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from core.errors import ModelVersionError, StorageError

FORMAT = 1
MANIFEST = "manifest.json"

_CURE = "restore it from a backup or train again: paidan train"

Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LearnedUnit(_Part):
    """A handling unit as it was called when the version was trained."""

    code: str = Field(min_length=1)
    name: str


class Calibration(_Part):
    """How logits become probabilities, and under which probability an answer is held back.

    Parameters:
        temperature: logits are divided by it.
        threshold: answers with a lower probability are doubtful; above 1 all are.
        error_target: the error that answers at or above the threshold may have.
        coverage: share of the held-out answers at or above the threshold.
        error: share of wrong answers among these; None where there are none.
        held_out: number of held-out answers all this was measured on.
    """

    temperature: Finite = Field(gt=0)
    threshold: Finite = Field(ge=0)
    error_target: Share
    coverage: Share
    error: Share | None
    held_out: int = Field(ge=0)


class TrainingFacts(_Part):
    """What the version was trained on and with."""

    samples: int = Field(ge=0)
    seed: int
    settings: dict[str, JsonValue]
    data_sha256: str


class Manifest(_Part):
    """The contents of ``manifest.json``.

    Parameters:
        format: version of this layout.
        name: the version's, and its directory's.
        kind: which classifier reads it ("linear", "constant", …).
        units: the learned units, in class order.
        taxonomy_sha256: ``taxonomy_digest`` of all units there were at training.
        metrics: held-out measurements, by name.
        files: sha256 (hex) of every other file, by its path in the directory.
    """

    format: int = FORMAT
    name: str
    kind: str
    created_at: AwareDatetime
    units: tuple[LearnedUnit, ...] = Field(min_length=1)
    taxonomy_sha256: str
    calibration: Calibration
    metrics: dict[str, JsonValue]
    training: TrainingFacts
    files: dict[str, str] = Field(default_factory=dict)

    @property
    def codes(self) -> tuple[str, ...]:
        """The learned units' codes, in class order."""
        return tuple(unit.code for unit in self.units)


def taxonomy_digest(units: Mapping[str, str]) -> str:
    """Return the sha256 (hex) over all units' codes and names, in the order of their codes."""
    lines = (json.dumps([code, units[code]]) + "\n" for code in sorted(units))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_manifest(directory: Path, verify: bool = True) -> Manifest:
    """Read a version's manifest and, unless told not to, check every file against its hash.

    Raises:
        ModelVersionError: the directory, the manifest or a file is missing, malformed or changed.
        StorageError: a file is there and cannot be read.
    """
    path = directory / MANIFEST
    if not directory.is_dir():
        raise ModelVersionError(f"model version {directory} does not exist: {_CURE}")
    content = _read(path)
    try:
        data = json.loads(content)
    except ValueError as error:
        raise ModelVersionError(f"{path} is not JSON ({error}): {_CURE}") from error
    manifest = _parse(path, data)
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
        raise ModelVersionError(f"{directory / MANIFEST} does not list {name}: {_CURE}")
    content = _read(_inside(directory, name))
    if hashlib.sha256(content).hexdigest() != manifest.files[name]:
        raise _changed(directory / name)
    return content


def damaged(path: Path, problem: str) -> ModelVersionError:
    """Return the error for a file whose content is not what its kind needs."""
    return ModelVersionError(f"{path}: {problem}: {_CURE}")


def _parse(path: Path, data: object) -> Manifest:
    found = data.get("format") if isinstance(data, dict) else None
    if found != FORMAT:
        raise ModelVersionError(
            f"{path} has format {found!r}, this Paidan reads {FORMAT}: use the Paidan that wrote "
            "it, or train again: paidan train"
        )
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        )
        raise ModelVersionError(f"{path} is not a manifest ({problems}): {_CURE}") from error
    if len(set(manifest.codes)) < len(manifest.codes):
        raise ModelVersionError(f"{path} lists a unit twice: {_CURE}")
    return manifest


def _verify(directory: Path, manifest: Manifest) -> None:
    for name, expected in manifest.files.items():
        path = _inside(directory, name)
        if file_digest(path) != expected:
            raise _changed(directory / name)


def _inside(directory: Path, name: str) -> Path:
    """Return the path of a listed file, which a forged manifest must not move elsewhere."""
    path = (directory / name).resolve()
    if not path.is_relative_to(directory.resolve()):
        raise ModelVersionError(
            f"{directory / MANIFEST} lists {name!r}, which lies outside of its directory: {_CURE}"
        )
    return path


def _changed(path: Path) -> ModelVersionError:
    return ModelVersionError(f"{path} was changed after training: {_CURE}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelVersionError(f"{path} is missing: {_CURE}") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}") from error


def file_digest(path: Path) -> str:
    """Return the sha256 (hex) of a version's file.

    Raises:
        ModelVersionError: the file is missing.
        StorageError: the file is there and cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise ModelVersionError(f"{path} is missing: {_CURE}") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}") from error
