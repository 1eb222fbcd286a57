"""A snapshot's manifest: what it was made of, how it was divided, and every file's hash."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from classifier.manifest import problems
from core.errors import SnapshotError

MANIFEST = "manifest.json"
CURE = (
    "restore its folder from a backup, or remove it and build the snapshot anew "
    "('paidan data snapshot')"
)
"""What a person can do about a damaged snapshot; the newest must be read to build the next one."""
_UNHASHED = {"number", "parent", "created_at", "sha256", "formerly"}


class SnapshotUnit(BaseModel):
    """A unit as it was when the snapshot was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    name: str
    responsibilities: str = ""


class SnapshotManifest(BaseModel):
    """What a snapshot holds.

    Parameters:
        number: 1 for the first snapshot of a folder, and so on.
        parent: the one before (its sha256).
        created_at: when it was made.
        seed_sha256: of the seed (``seed``); None where there was none.
        decisions_sha256: over the decisions' ids and units.
        newest_decision: id of the newest correction that was read; 0 where there was none.
        taxonomy_sha256: as in a version's manifest.
        units: all active units.
        settings: see ``SnapshotSettings``.
        report: what came of the rows (``report``).
        files: each file's sha256.
        sha256: over all of this but number, parent, time and former hashes: what is the same is
            called the same.
        formerly: what ``sha256`` was before rows were erased; its folder has the first one's name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=1)
    parent: str | None
    created_at: datetime
    seed_sha256: str | None = Field(pattern=r"^[0-9a-f]{64}$")
    decisions_sha256: str
    newest_decision: int
    taxonomy_sha256: str
    units: tuple[SnapshotUnit, ...]
    settings: dict[str, JsonValue]
    report: dict[str, JsonValue]
    files: dict[str, str]
    sha256: str = ""
    formerly: tuple[str, ...] = ()

    def digest(self) -> str:
        """Return what ``sha256`` must be."""
        content = self.model_dump(mode="json", exclude=_UNHASHED)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def sealed(self, files: Mapping[str, str]) -> "SnapshotManifest":
        """Return it with the files' hashes and its own."""
        filled = self.model_copy(update={"files": dict(files)})
        return filled.model_copy(update={"sha256": filled.digest()})

    def without(self, erased: int, files: Mapping[str, str]) -> "SnapshotManifest":
        """Return what it is once so many rows are erased, with the files' new hashes.

        The report tells how many were erased in all; its other figures are those of the beginning.
        """
        before = self.report.get("erased", 0)
        now = erased + (before if isinstance(before, int) else 0)
        renewed = {
            "report": self.report | {"erased": now},
            "formerly": (*self.formerly, self.sha256),
        }
        return self.model_copy(update=renewed).sealed({**self.files, **files})

    @property
    def name(self) -> str:
        """The snapshot's folder: names are in the order in which snapshots were made."""
        return f"{self.number:06d}-{self.sha256[:12]}"

    @classmethod
    def parse(cls, path: Path, content: bytes) -> "SnapshotManifest":
        """Read a manifest's file.

        Raises:
            SnapshotError: it is malformed, or not what it was.
        """
        try:
            manifest = cls.model_validate_json(content)
        except ValidationError as error:
            raise SnapshotError(
                f"{path} is no snapshot's manifest, or a later Paidan's ({problems(error)}): {CURE}"
            ) from error
        if manifest.sha256 != manifest.digest():
            raise SnapshotError(f"{path} was changed after it was made: {CURE}")
        return manifest
