"""The champion, the version that answers: moved forth and back, after a check of its files."""

from pathlib import Path

from db import versions
from db.session import Database
from db.versions import Moved
from registry.opening import check_version


def promote(database: Database, name: str, models_dir: Path, *, actor: str) -> Moved:
    """Make a version the champion, if it can be opened.

    Raises:
        ModelVersionError: it is unknown, its files were changed, or a unit it learned is gone.
    """
    check_version(database, name, models_dir)
    with database.writing() as session:
        return versions.promote(session, name, actor=actor)


def rollback(database: Database, models_dir: Path, *, actor: str) -> Moved:
    """Make the champion before the present one champion again; again goes back further.

    Raises:
        ModelVersionError: there is none before it, or it cannot be opened.
    """
    with database.reading() as session:
        target = versions.rollback_target(session)
    check_version(database, target, models_dir)
    with database.writing() as session:
        return versions.rollback(session, actor=actor)
