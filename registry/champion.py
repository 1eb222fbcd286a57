"""The champion: the version that answers. Its alias moves only to a version that can be opened."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from classifier.manifest import WEAK
from core.errors import ModelVersionError
from db import verdicts, versions
from db.session import Database
from db.versions import Moved
from registry.opening import check_version


def promote(
    database: Database, name: str, models_dir: Path, *, actor: str, force: bool = False
) -> Moved:
    """Make a version the champion, if it can be opened and neither training nor gate objects.

    Args:
        database: the record.
        name: the version's.
        models_dir: the folder of all versions.
        actor: who asked for it, for the audit.
        force: promote it even so; the audit has what spoke against it.

    Raises:
        ModelVersionError: it is unknown, pruned, too weak or refused by the gate, its files were
            changed, or its units are of another taxonomy, or gone.
        StorageError: a file is there and cannot be read.
    """
    check_version(database, name, models_dir)
    with database.reading() as session:
        metrics = versions.get_version(session, name).metrics
        refused = _refusal(session, name)
    if not force:
        check_strength(name, metrics)
        if refused:
            raise ModelVersionError(
                f"model version {name} is registered and not promoted: {refused}. Train another, "
                f"or promote it all the same: paidan models promote {name} --force"
            )
    objections = [str(one) for one in (metrics.get(WEAK), refused) if one]
    forced = ("; ".join(objections) or "nothing") if force else None
    with database.writing() as session:
        return versions.promote(session, name, actor=actor, forced=forced)


def _refusal(session: Session, name: str) -> str | None:
    """Return why a version that a run made is not to answer; None where nothing speaks against."""
    broken_off = verdicts.unjudged_run(session, name)
    if broken_off is not None:
        return (
            f"run {broken_off.id} was {broken_off.state} before it was judged "
            f"('paidan runs judge {broken_off.id}' has it judged)"
        )
    run = verdicts.refused_run(session, name)
    if run is None:
        return None
    findings = (run.verdict or {}).get("findings", [])
    checks = ", ".join(one["check"] for one in findings if not one["passed"])
    return f"the gate refused it ({checks}; 'paidan runs show {run.id}' says why)"


def check_strength(name: str, metrics: Mapping[str, Any]) -> None:
    """Refuse a version that training found too weak to answer.

    Raises:
        ModelVersionError: it did; says why.
    """
    if weak := metrics.get(WEAK):
        raise ModelVersionError(
            f"model version {name} is registered and not promoted, because it is weak: {weak}. "
            "Train on more or cleaner tickets, or promote it all the same: "
            f"paidan models promote {name} --force"
        )


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
