"""What a run's process does: gather, train, judge, enter. Each step may be the second try."""

import logging
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import select

from classifier.manifest import WEAK
from classifier.version_files import read_manifest
from core.errors import (
    DATABASE_FAULTS,
    DatabaseUnavailableError,
    InputError,
    ModelVersionError,
    PaidanError,
)
from core.faults import describe
from core.settings import Settings
from db import Database, judgings, runs, versions
from db.run_tables import Run, RunState
from registry.lineage import Origin
from registry.registration import register
from registry.writer import TrainedVersion, move_version
from training.gate.disagreements import DRAWN
from training.progress import Progress
from training.runs.comparison import Asking, Judgement, compare
from training.runs.courtesy import Courtesy
from training.runs.diary import Diary
from training.runs.learning import train
from training.runs.material import find_snapshot, snapshot_for
from training.runs.outcome import Outcome
from training.runs.patience import patiently
from training.runs.reporting import report_for
from training.runs.shortage import explain
from training.runs.turn import await_card
from training.runs.wish import Wish
from training.runs.workplace import Workplace
from training.snapshot.snapshot import Snapshot
from training.snapshot.suspect_list import keep_suspects

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")
# What is waited out by steps that also write files or load models, whose disk may be full.
_AWAY = (DatabaseUnavailableError,)


class LeaseLostError(Exception):
    """Another trainer has the run now; nothing of this attempt counts."""


class Errand:
    """One attempt at a run, in the process that a trainer started for it.

    Args:
        database: the record.
        settings: where versions and home are.
        run_id: the run's.
        token: of the lease, under which all is written.
        place: the run's folders, which are this process' alone.
    """

    def __init__(
        self, database: Database, settings: Settings, run_id: int, token: str, place: Workplace
    ) -> None:
        self._database = database
        self._settings = settings
        self._run_id = run_id
        self._token = token
        self._place = place
        self._kept = ""  # what a failure says of the version that is registered by then

    def run(self) -> None:
        """Work the run off, and enter how it ended."""
        try:
            self._work()
        except LeaseLostError:
            logger.warning(
                "the lease is lost: this attempt counts no more",
                extra={"action": "run.lost", "run": self._run_id},
            )
        except Exception as error:
            fault = explain(error, self._place)
            logger.exception("a run failed", extra={"action": "run.failed", "run": self._run_id})
            self._end(RunState.FAILED, error=_told(fault) + self._kept)

    def _work(self) -> None:
        run = self._find()
        self._place.prepare()
        if run.takes_card:
            await_card(self._database, self._settings, run)
        snapshot, version = self._judged_before(run) if run.judges else self._trained(run)
        asking = self._asking(run)
        while not self._enter(version, self._judge(version, snapshot, asking), asking):
            continue  # the champion was moved meanwhile

    def _trained(self, run: Run) -> tuple[Snapshot, TrainedVersion]:
        """Return the snapshot that is learned, and the version that has learned it."""
        wish = Wish.of(run.parameters)
        report = report_for(self._settings, self._run_id)
        told = Diary(self._run_id, self._place.points, report)
        # A worker without its card answers nobody.
        diary = told if run.takes_card else Courtesy(told, self._database, self._settings)
        snapshot = self._patiently(
            lambda: snapshot_for(self._database, self._settings, run, wish, diary), _AWAY
        )
        if snapshot.sha256 != run.snapshot_sha256:
            self._place.forget_checkpoints()  # of other data
        self._note(snapshot_sha256=snapshot.sha256)
        keep_suspects(snapshot, diary)
        return snapshot, self._made_before(run) or self._make(run.kind, wish, snapshot, diary)

    def _judged_before(self, run: Run) -> tuple[Snapshot, TrainedVersion]:
        """Return what a run is to judge anew: the version of an earlier run, and its snapshot.

        Raises:
            InputError: one of them is gone.
        """
        sha256, version = run.snapshot_sha256, self._made_before(run)
        snapshot = find_snapshot(self._settings, sha256) if sha256 else None
        if snapshot is None or version is None:
            gone = f"version {run.version}" if version is None else "the snapshot it has learned"
            raise InputError(
                f"run {run.judges} cannot be judged anew, for {gone} is gone: train another "
                "version ('paidan runs start')"
            )
        return snapshot, version

    def _asking(self, run: Run) -> Asking:
        """Return whether people may be asked: of themselves runs that train ask, one at a time."""
        wanted = self._settings.disagreements
        if run.judges is None:
            return Asking(run.id, wanted)
        is_asked = bool(run.parameters.get(judgings.DRAW))
        return Asking(run.judges, (wanted or DRAWN) if is_asked else 0, replaces=is_asked)

    def _find(self) -> Run:
        def find() -> Run | None:
            with self._database.reading() as session:
                return runs.find(session, self._token)

        run = self._patiently(find)
        if run is None:
            raise LeaseLostError
        return run

    def _made_before(self, run: Run) -> TrainedVersion | None:
        """Return the version that an earlier attempt made and did not come to enter."""
        if run.version is None:
            return None
        path = self._settings.resolved_models_dir / run.version
        try:
            return TrainedVersion(path, read_manifest(path))
        except ModelVersionError:  # it was never moved there
            return None

    def _make(self, kind: str, wish: Wish, snapshot: Snapshot, diary: Progress) -> TrainedVersion:
        """Train a version and move it, whole, to the others; no row names it yet."""
        origin = Origin(self._champion(), snapshot.sha256, self._run_id)
        made = train(kind, wish, snapshot, self._settings, self._place, origin, diary)
        # First its name: a process that dies in between leaves no version that nobody knows.
        self._place.made.write_text(made.name, "utf-8")
        self._note(version=made.name)
        return move_version(made, self._settings.resolved_models_dir)

    def _champion(self) -> str | None:
        def read() -> str | None:
            with self._database.reading() as session:
                return versions.champion(session)

        return self._patiently(read)

    def _judge(
        self, version: TrainedVersion, snapshot: Snapshot, asking: Asking
    ) -> Judgement | None:
        """Register a version, as a candidate, and let the gate judge it."""

        def write() -> None:
            with self._database.writing() as session:
                if runs.find(session, self._token) is None:
                    raise LeaseLostError
                register(session, version)

        self._patiently(write)
        self._kept = (
            f"; version {version.name} is kept and not judged: once that is mended, have it judged "
            f"(paidan runs judge {self._run_id})"
        )
        return self._patiently(
            lambda: compare(self._database, self._settings, version.name, snapshot, asking), _AWAY
        )

    def _note(self, **values: object) -> None:
        def write() -> bool:
            with self._database.writing() as session:
                return runs.note(session, self._token, **values)

        if not self._patiently(write):
            raise LeaseLostError

    def _enter(self, version: TrainedVersion, judgement: Judgement | None, asking: Asking) -> bool:
        """Enter what becomes of a version, and end the run, in one transaction.

        Returns:
            False where the champion is not the one that the verdict is about; nothing is done.
        """
        weak = version.manifest.metrics.get(WEAK)
        told = str(weak) if weak else None
        outcome = Outcome(self._run_id, version.name, told, judgement, asking)

        def write() -> bool:
            with self._database.writing() as session:
                if outcome.is_outdated(session):
                    return False
                if not outcome.enter(session, self._token, self._settings):
                    raise LeaseLostError
                return True

        is_entered = self._patiently(write)
        if is_entered:
            logger.info(
                "a run has judged a version",
                extra={
                    "action": "run.done",
                    "run": self._run_id,
                    "version": version.name,
                    "good": outcome.is_good,
                },
            )
        return is_entered

    def _end(self, state: RunState, **values: object) -> None:
        def write() -> bool:
            with self._database.writing() as session:
                return runs.end(session, self._token, state, **values)

        self._patiently(write)

    def _patiently(
        self,
        action: Callable[[], _Result],
        faults: tuple[type[PaidanError], ...] = DATABASE_FAULTS,
    ) -> _Result:
        pause, database = self._settings.heartbeat, self._database
        return patiently(action, pause, faults=faults, answers=lambda: _answers(database))


def _answers(database: Database) -> bool:
    """Whether a database is there."""
    try:
        with database.reading() as session:
            session.execute(select(1))
    except DATABASE_FAULTS:
        return False
    return True


def _told(error: BaseException) -> str:
    """Return what a run's row says of an error: people read it who hold the tickets."""
    return str(error) if isinstance(error, PaidanError) else describe(error)
