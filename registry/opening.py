"""The opening of a registered version, for the taxonomy as it is now."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from classifier.interface import Classifier
from classifier.loading import DEFAULTS, Options, UnitsNow, check_classifier, load_classifier
from classifier.manifest import MANIFEST
from classifier.version_files import read_manifest
from core.errors import ModelVersionError
from db import taxonomy, versions
from db.session import Database
from registry.calibration import apply_calibration
from registry.registration import manifest_digest


def registered_kind(database: Database, name: str) -> str:
    """Return the kind of a registered version.

    Raises:
        ModelVersionError: there is none of that name.
    """
    with database.reading() as session:
        return versions.get_version(session, name).kind


def load_version(
    database: Database,
    name: str,
    models_dir: Path,
    options: Options = DEFAULTS,
) -> Classifier:
    """Load a registered version; it decides by the calibration in force.

    Args:
        database: the record, which has its registration and the taxonomy.
        name: the version's.
        models_dir: the folder of all versions.
        options: of an LLM.

    Raises:
        ModelVersionError: it is unknown or pruned, its files were changed, or its units are of
            another taxonomy, or gone.
        DeviceError: an LLM's GPU is gone or its memory too small.
        StorageError: a file is there and cannot be read.
    """
    directory, units = _find_version(database, name, models_dir)
    classifier = load_classifier(directory, units, options)
    with database.reading() as session:
        apply_calibration(session, classifier)
    return classifier


def check_version(database: Database, name: str, models_dir: Path) -> None:
    """Raise what ``load_version`` would, but for the device; an LLM's base is not loaded."""
    check_classifier(*_find_version(database, name, models_dir))


def _find_version(database: Database, name: str, models_dir: Path) -> tuple[Path, UnitsNow]:
    """Return the directory of a version, and how its units stand now.

    Raises:
        ModelVersionError: see ``load_version``; also where the directory is another version's.
    """
    directory = models_dir / name
    with database.reading() as session:  # ends before the load, which may take minutes
        registered = versions.present_version(session, name).manifest_sha256
        manifest = read_manifest(directory, verify=False)  # files are checked as they are read
        if manifest_digest(directory) != registered:
            raise ModelVersionError(
                f"model version {name}: {directory / MANIFEST} is not the one registered; restore "
                "the directory from a backup or train again"
            )
        mapping = successors(session, name, manifest.codes)
        added = {
            unit.code: unit.name
            for unit in taxonomy.list_units(session, active_only=True)
            if unit.code not in mapping.values()
        }
    return directory, UnitsNow(mapping, added)


def successors(session: Session, name: str, learned: Sequence[str]) -> dict[str, str]:
    """Map each learned unit to the active unit that stands for it now.

    One that was retired or split is left out: it stands for itself, and what the version answers
    with it goes to a person (``db.standing``).

    Raises:
        ModelVersionError: the taxonomy does not know one, or no learned unit stands for any.
    """
    index = taxonomy.read_index(session)
    strange = [code for code in learned if code not in index.units]
    if strange:
        raise ModelVersionError(
            f"model version {name} learned unit {strange[0]!r}, which this taxonomy never had: it "
            "was trained for another one; import its units, or train again"
        )
    mapping = taxonomy.resolve(session, learned, alike=False)
    if not mapping:
        raise ModelVersionError(
            f"model version {name} learned {len(learned)} units, and none of them is active or has "
            "a successor: import the units with merged_into set, or train again"
        )
    return mapping
