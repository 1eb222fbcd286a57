"""The champion: the version that answers. Its alias moves only to a version that can be opened."""

from pathlib import Path

from core.errors import ModelVersionError
from db import versions
from db.session import Database
from db.versions import Moved
from registry.opening import check_version


def promote(database: Database, name: str, models_dir: Path, *, actor: str) -> Moved:
    """Make a version the champion, if it can be opened.

    Args:
        database: the record.
        name: the version's.
        models_dir: the folder of all versions.
        actor: who asked for it, for the audit.

    Raises:
        ModelVersionError: it is unknown, its files were changed, or a unit it learned is gone.
        StorageError: a file is there and cannot be read.
    """
    check_version(database, name, models_dir)
    with database.writing() as session:
        return versions.promote(session, name, actor=actor)


def rollback(database: Database, models_dir: Path, *, actor: str) -> Moved:
    """Make the champion before the present one champion again; again goes back further.

    Raises:
        ModelVersionError: there is none before it, it cannot be opened, or somebody moved the
            champion meanwhile.
        StorageError: a file is there and cannot be read.
    """
    with database.reading() as session:
        target = versions.rollback_target(session)
    check_version(database, target, models_dir)
    with database.writing() as session:
        if versions.rollback_target(session) != target:
            raise ModelVersionError(
                "the champion was moved meanwhile: see 'paidan models list', and roll back again"
            )
        return versions.rollback(session, actor=actor)
