"""The resident model: the champion, loaded once, exchanged between two batches when it moves."""

import hashlib
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from classifier.interface import Classifier
from classifier.loading import load_classifier
from classifier.manifest import MANIFEST, read_manifest
from db import registry, taxonomy
from db.session import Database
from paidan.errors import DatabaseUnavailableError, ModelVersionError, PaidanError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What should be resident: a version under a state of the taxonomy."""

    version: str | None
    taxonomy: int


class Resident:
    """Holds the classifier and the active units it may answer with.

    Args:
        database: where the champion alias and the taxonomy stand.
        models_dir: where the version directories lie.
    """

    retry_after = 30.0

    def __init__(self, database: Database, models_dir: Path) -> None:
        self.database = database
        self.models_dir = models_dir
        self.classifier: Classifier | None = None
        self.active_units: frozenset[str] = frozenset()
        self._tried: _Wanted | None = None
        self._retry_at = math.inf

    @property
    def version(self) -> str | None:
        """The version that answers now."""
        return self.classifier.version if self.classifier else None

    def refresh(self) -> Classifier | None:
        """Load the champion if it or the taxonomy changed; return what answers from now on.

        A version that fails its checks is refused and the one before serves on; it is tried again
        after ``retry_after`` seconds, for its files may have been restored.
        """
        with self.database.reading() as session:
            wanted = _Wanted(registry.champion(session), taxonomy.current_version(session))
            if wanted == self._tried and time.monotonic() < self._retry_at:
                return self.classifier
            units = taxonomy.list_units(session, active_only=True)
            self.active_units = frozenset(unit.code for unit in units)
        self._tried, self._retry_at = wanted, time.monotonic() + self.retry_after
        if wanted.version is None:
            logger.warning("no model is promoted: tickets wait ('paidan train … --promote')")
            return None
        try:
            self.classifier = load_version(self.database, wanted.version, self.models_dir)
        except DatabaseUnavailableError:
            raise
        except PaidanError as error:
            serving = self.version or "nothing"
            logger.error("version refused, %s serves on: %s", serving, error)  # noqa: TRY400
        except Exception:  # out of memory, a driver's fault: it may pass
            logger.exception("version not loaded, %s serves on", self.version or "nothing")
        else:
            self._retry_at = math.inf
            logger.info("model loaded", extra={"version": self.version})
        return self.classifier

    def drop(self) -> None:
        """Let go of a model that does not work; ``refresh`` loads it anew after a while."""
        self.classifier = None
        self._retry_at = time.monotonic() + self.retry_after


def load_version(database: Database, name: str, models_dir: Path) -> Classifier:
    """Load a registered version for the taxonomy as it is now.

    Raises:
        ModelVersionError: it is unknown, its files were changed, or a unit it learned is gone
            without a successor.
    """
    directory = models_dir / name
    with database.reading() as session:  # ends before the load, which may take minutes
        registered = registry.get_version(session, name).manifest_sha256
        manifest = read_manifest(directory, verify=False)  # files are checked as they are read
        if manifest_digest(directory) != registered:
            raise ModelVersionError(
                f"model version {name}: {directory / MANIFEST} is not the one registered; restore "
                "the directory from a backup or train again"
            )
        mapping = successors(session, name, manifest.codes)
    return load_classifier(directory, mapping)


def manifest_digest(directory: Path) -> str:
    """Return the sha256 (hex) of a version's manifest, by which the registry knows it."""
    return hashlib.sha256((directory / MANIFEST).read_bytes()).hexdigest()


def successors(session: Session, name: str, learned: Sequence[str]) -> dict[str, str]:
    """Map each learned unit to the active unit that stands for it now.

    Raises:
        ModelVersionError: one is gone without a successor.
    """
    mapping = taxonomy.resolve(session, learned)
    gone = [code for code in learned if code not in mapping]
    if gone:
        raise ModelVersionError(
            f"model version {name} learned unit {gone[0]!r}, which is gone without a successor: "
            "import the units with its merged_into set, or train again"
        )
    return mapping
