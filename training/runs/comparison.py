"""The gate's verdict on what a run has made."""

import logging
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from classifier.interface import Classifier
from core.errors import ModelVersionError
from core.faults import describe
from core.settings import Settings
from db import Database, draws, taxonomy, verdicts, versions
from db.best_champion import best_before
from db.draw_tables import Draw
from registry.opening import load_version
from training.gate.judging import Evidence, judge
from training.gate.recent import CHECK
from training.gate.verdict import Verdict
from training.runs.drawing import FEWEST, Disagreements, draw_disagreements
from training.runs.evidence import gather
from training.runs.peaks import measure_peaks
from training.runs.pool import read_pool
from training.snapshot.snapshot import Snapshot

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asking:
    """Whether people may be asked about disagreements.

    Parameters:
        run_id: of the run that made the challenger.
        count: how many disagreements to draw; 0: none.
        replaces: whether another draw that asks now may be ended for it.
    """

    run_id: int
    count: int = 0
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of a comparison.

    Parameters:
        verdict: the gate's.
        used: id of the draw whose answers decided; None where there was none.
        drawn: disagreements that people are to be asked about.
    """

    verdict: Verdict
    used: int | None = None
    drawn: Disagreements | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    """What the record says before versions are opened."""

    champion: str
    best: str | None
    look: int
    evidence: Evidence
    draw: Draw | None
    allowed: frozenset[str]


def compare(
    database: Database, settings: Settings, challenger: str, snapshot: Snapshot, asking: Asking
) -> Judgement | None:
    """Let the gate judge a registered version against the champion; None where there is none.

    Where the recent stream alone does not show that it is better, disagreements are drawn.

    Raises:
        ModelVersionError, DeviceError, StorageError: one of them cannot be loaded.
        InputError: the version has learned a ticket that would judge it.
    """
    with database.reading() as session:
        case = _case(session, challenger, snapshot, asking)
    if case is None:
        return None
    folder, pair = settings.resolved_models_dir, (case.champion, challenger)
    peaks = measure_peaks(database, settings, pair, case.evidence.texts, case.allowed)
    champion, version = (load_version(database, name, folder) for name in pair)
    verdict = judge(
        case.evidence,
        champion,
        version,
        allowed=case.allowed,
        best=_load_past(database, settings, case.best),
        look=case.look,
        learned=snapshot.learned,
        peaks=peaks,
    )
    drawn = None
    if asking.count and [one.check for one in verdict.refusals] == [CHECK]:
        pool = read_pool(database, snapshot, case.champion)
        drawn = draw_disagreements(
            pool, champion, version, case.allowed, count=asking.count, seed=case.look
        )
        if len(drawn.tickets) < FEWEST:
            verdict, drawn = _tell(verdict, drawn), None
    return Judgement(verdict, case.draw.id if case.draw else None, drawn)


def _tell(verdict: Verdict, drawn: Disagreements) -> Verdict:
    """Say instead of the cure why people are not asked."""
    cure = f"people are not asked, for {drawn}, and {FEWEST} are needed"
    findings = (replace(one, cure=cure) if one.check == CHECK else one for one in verdict.findings)
    return replace(verdict, findings=tuple(findings))


def _case(session: Session, challenger: str, snapshot: Snapshot, asking: Asking) -> _Case | None:
    champion = versions.champion(session)
    if champion is None or champion == challenger:
        return None
    draw = draws.open_draw(session)
    if draw is None or draw.run_id != asking.run_id or not draws.progress(session, draw).answered:
        draw = None
    return _Case(
        champion,
        best_before(session, champion),
        1 + verdicts.count_verdicts(session, champion),
        gather(session, snapshot, draw),
        draw,
        frozenset(unit.code for unit in taxonomy.list_units(session, active_only=True)),
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
