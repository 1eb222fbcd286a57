"""A snapshot as trainings and the gate read it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core.errors import SnapshotError, StorageError
from training.gate.tickets import JudgedTicket
from training.samples import Sample
from training.snapshot.leaks import refuse_leaks
from training.snapshot.manifest import CURE, MANIFEST, SnapshotManifest, SnapshotUnit
from training.snapshot.rows import LEARNED_PARTS, PARTS, Part, Row
from training.snapshot.tables import read_digests, read_rows

LEARNED = "learned.parquet"


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What one training learns from, and what it must not.

    Parameters:
        path: its folder.
        manifest: what it was made of.
        parts: the rows of each part.
        learned_before: hashes (``text_hash``) of what this and earlier snapshots gave to learn.
    """

    path: Path
    manifest: SnapshotManifest
    parts: Mapping[Part, Sequence[Row]]
    learned_before: frozenset[str]

    @property
    def sha256(self) -> str:
        """The hash (hex) over its content; the same content has the same hash."""
        return self.manifest.sha256

    @property
    def units(self) -> tuple[SnapshotUnit, ...]:
        """All active units when it was made, by code."""
        return self.manifest.units

    @cached_property
    def training(self) -> tuple[Sample, ...]:
        """What is learned, each with its weight."""
        return tuple(row.as_sample() for row in self.parts["training"])

    @cached_property
    def validation(self) -> tuple[Sample, ...]:
        """What is held out while it is learned, and sets thresholds."""
        return tuple(row.as_sample() for row in self.parts["validation"])

    @cached_property
    def frozen(self) -> tuple[JudgedTicket, ...]:
        """The frozen test set: one ticket of each group; no snapshot after this one teaches it."""
        return tuple(row.as_judged() for row in self.parts["frozen"])

    @cached_property
    def recent(self) -> tuple[JudgedTicket, ...]:
        """Decided tickets that stay out of training: no snapshot so far has taught them."""
        return tuple(row.as_judged() for row in self.parts["recent"])

    @cached_property
    def learned(self) -> frozenset[str]:
        """Hashes (``text_hash``) of all texts that a training on this snapshot sees."""
        return frozenset(row.digest for part in LEARNED_PARTS for row in self.parts[part])

    @classmethod
    def load(cls, path: Path, sha256: str | None = None) -> "Snapshot":
        """Read a snapshot, every byte checked against its hash.

        Args:
            path: its folder.
            sha256: what its hash must be, or must have been before rows were erased; None for any.

        Raises:
            SnapshotError: it is missing, damaged, changed, another one, or it teaches what it must
                not.
            StorageError: it cannot be read.
        """
        manifest = SnapshotManifest.parse(path / MANIFEST, _read(path / MANIFEST))
        if sha256 is not None and sha256 not in (manifest.sha256, *manifest.formerly):
            raise SnapshotError(
                f"{path} is snapshot {manifest.sha256[:12]}, and {sha256[:12]} is asked for"
            )
        parts = {part: read_rows(*_checked(path, manifest, file_of(part))) for part in PARTS}
        refuse_leaks(parts, str(path))
        learned = read_digests(*_checked(path, manifest, LEARNED))
        return cls(path, manifest, parts, frozenset(learned))


def file_of(part: Part) -> str:
    """Return the name of a part's file."""
    return f"{part}.parquet"


def _checked(folder: Path, manifest: SnapshotManifest, name: str) -> tuple[bytes, Path]:
    """Return a file's content, if it is what was written, and its path."""
    path = folder / name
    content = _read(path)
    if hashlib.sha256(content).hexdigest() != manifest.files.get(name):
        raise SnapshotError(f"{path} is damaged, or was changed after it was made: {CURE}")
    return content, path


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise SnapshotError(f"{path} is missing: {CURE}") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}") from error
