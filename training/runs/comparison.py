"""The gate's verdict on what a run has made."""

from sqlalchemy.orm import Session

from core.settings import Settings
from db import Database, runs, taxonomy, versions
from db.blind_sample import count_unseen
from registry.opening import load_version
from training.gate.judging import Evidence, judge
from training.gate.verdict import Verdict
from training.snapshot.snapshot import Snapshot


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
        allowed = frozenset(unit.code for unit in taxonomy.list_units(session, active_only=True))
    folder = settings.resolved_models_dir
    return judge(
        Evidence(snapshot.frozen, snapshot.recent, unseen),
        load_version(database, champion, folder),
        load_version(database, challenger, folder),
        allowed=allowed,
        look=look,
        learned=snapshot.learned,
    )


def _unseen(session: Session, snapshot: Snapshot) -> int:
    """Return for how many tickets that nobody decided the recent ones stand."""
    recent = [row.ticket for row in snapshot.parts["recent"] if row.ticket is not None]
    if not recent:
        return 0
    share = snapshot.manifest.settings.get("recent_share")
    undecided = count_unseen(session, min(recent), max(recent))
    return round(undecided * (share if isinstance(share, float) else 1))
