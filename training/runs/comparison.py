"""The gate's verdict on what a run has made."""

import logging

from sqlalchemy.orm import Session

from classifier.interface import Classifier
from core.errors import ModelVersionError
from core.faults import describe
from core.settings import Settings
from db import Database, runs, taxonomy, versions
from db.best_champion import best_before
from db.blind_sample import count_unseen
from registry.opening import load_version
from training.gate.judging import Evidence, judge
from training.gate.verdict import Verdict
from training.runs.peaks import measure_peaks
from training.snapshot.snapshot import Snapshot

logger = logging.getLogger(__name__)


def compare(
    database: Database, settings: Settings, challenger: str, snapshot: Snapshot
) -> Verdict | None:
    """Let the gate judge a registered version against the champion; None where there is none.

    Raises:
        ModelVersionError, DeviceError, StorageError: one of them cannot be loaded.
        InputError: the version has learned a ticket that would judge it.
    """
    with database.reading() as session:
        champion = versions.champion(session)
        if champion is None or champion == challenger:
            return None
        look = 1 + runs.count_verdicts(session, champion)
        unseen = _unseen(session, snapshot)
        best = best_before(session, champion)
        allowed = frozenset(unit.code for unit in taxonomy.list_units(session, active_only=True))
    evidence = Evidence(snapshot.frozen, snapshot.recent, unseen)
    folder = settings.resolved_models_dir
    peaks = measure_peaks(database, settings, (champion, challenger), evidence.texts, allowed)
    return judge(
        evidence,
        load_version(database, champion, folder),
        load_version(database, challenger, folder),
        allowed=allowed,
        best=_load_past(database, settings, best),
        look=look,
        learned=snapshot.learned,
        peaks=peaks,
    )


def _load_past(database: Database, settings: Settings, name: str | None) -> Classifier | None:
    """Open a past champion; None where it was pruned, or serves no more."""
    if name is None:
        return None
    try:
        return load_version(database, name, settings.resolved_models_dir)
    except ModelVersionError as error:
        logger.warning(
            "the best champion so far is not compared with: %s",
            describe(error),
            extra={"action": "best.not_loaded", "version": name},
        )
        return None


def _unseen(session: Session, snapshot: Snapshot) -> int:
    """Return for how many tickets that nobody decided the recent ones stand."""
    recent = [row.ticket for row in snapshot.parts["recent"] if row.ticket is not None]
    if not recent:
        return 0
    share = snapshot.manifest.settings.get("recent_share")
    undecided = count_unseen(session, min(recent), max(recent))
    return round(undecided * (share if isinstance(share, float) else 1))
