"""A trainer's watch over the process of one run."""

import logging
import threading
import time

from sqlalchemy.orm import Session

from core.errors import DATABASE_FAULTS
from core.faults import describe
from core.settings import Settings
from db import Database, run_points, runs
from db.run_tables import Run, RunState
from db.runs import Lease
from training.runs import turn
from training.runs.curves import read_points
from training.runs.patience import patiently
from training.runs.process import RunProcess, how_it_ended
from training.runs.workplace import Workplace

logger = logging.getLogger(__name__)

_POLL_S = 0.1


class Supervision:
    """Sends heartbeats while a run's process works, and ends it where the record says so.

    Args:
        database: the record.
        settings: times and limits.
        lease: of the run.
        process: works on it.
        workplace: where the process writes its curves.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        lease: Lease,
        process: RunProcess,
        workplace: Workplace,
    ) -> None:
        self._database = database
        self._settings = settings
        self._lease = lease
        self._process = process
        self._workplace = workplace
        self._began = self._beaten = time.monotonic()
        self._told = 0  # bytes of the curves' file that are in the record
        self._left = workplace.checkpoint_step()  # by an earlier attempt of this home

    def see_through(self, stop: threading.Event) -> None:
        """Watch until the process has ended; when ``stop`` is set, end it and hand the run back.

        Raises:
            DatabaseUnavailableError, StorageError: the record cannot be told, and ``stop`` is set.
        """
        due = 0.0
        while (code := self._process.exit_code()) is None:
            if stop.is_set():
                self._process.end()
                with self._database.writing() as session:
                    runs.hand_back(session, self._lease.token)
                return
            if time.monotonic() >= due:
                due = time.monotonic() + self._settings.heartbeat
                self._look()
            stop.wait(_POLL_S)
        logger.info(
            "a run's process has ended",
            extra={"action": "run.left", "run": self._lease.run_id, "code": code},
        )
        reason = how_it_ended(code)
        patiently(lambda: self._tell_end(reason), self._settings.heartbeat, stop.is_set)

    def _look(self) -> None:
        """Send a heartbeat, and do what the record says then."""
        now = time.monotonic()
        try:
            run = self._beat()
            why_over = self._why_over() if run is not None and run.takes_card else None
        except DATABASE_FAULTS as error:
            # As of now: a server that is gone without a word is waited for.
            self._endure(time.monotonic() - self._beaten, error)
            return
        self._beaten = now
        if run is None:
            logger.info(
                "the lease is over: the run has ended, or another trainer has it",
                extra={"action": "run.released", "run": self._lease.run_id},
            )
            self._process.end()
        elif run.cancelled_by is not None:
            self._end(RunState.CANCELLED, None)
        elif now - self._began > self._settings.run_limit:
            limit = f"{self._settings.run_limit:g} s (PAIDAN_RUN_LIMIT)"
            self._end(RunState.FAILED, f"it was ended after {limit}")
        elif why_over is not None:
            self._give_back(why_over)
        else:
            self._process.go_on()

    def _why_over(self) -> str | None:
        with self._database.reading() as session:
            return turn.why_over(session, self._settings)

    def _give_back(self, why: str) -> None:
        """Give the card back to the workers; the run goes on later from its last checkpoint."""
        self._process.end()
        logger.warning(
            "a run gives the card back: %s",
            why,
            extra={"action": "card.given_back", "run": self._lease.run_id},
        )

        def write() -> None:
            with self._database.writing() as session:
                runs.hand_back(session, self._lease.token)

        patiently(write, self._settings.heartbeat)

    def _beat(self) -> Run | None:
        """Prolong the lease and pass points on; return None where the lease is lost."""
        with self._database.writing() as session:
            run = runs.beat(session, self._lease.token, seconds=self._settings.claim)
            told = self._told
            if run is not None:
                told = self._pass_points(session)
                self._pass_checkpoint(session, run)
        self._told = told
        return run

    def _pass_points(self, session: Session) -> int:
        """Write new points; return up to where they are told once this is committed."""
        points, offset = read_points(self._workplace.points, self._told)
        run_points.put(session, self._lease.run_id, points)
        return offset

    def _pass_checkpoint(self, session: Session, run: Run) -> None:
        """Note a new checkpoint: the run gets on.

        Its step is lower than the last one's where the training had to start anew. One of an
        earlier attempt is new where its trainer died before it could tell.
        """
        step, noted = self._workplace.checkpoint_step(), run.checkpoint_step or 0
        if step is not None and (step > noted or (step != self._left and step != noted)):
            folder = str(self._workplace.checkpoints)
            runs.checkpointed(session, self._lease.token, step, folder)

    def _endure(self, silent: float, error: Exception) -> None:
        """Let a process work on without heartbeats, but never longer than its lease surely is.

        Whoever takes the run over then is the only one at work on it. If nobody does, the process
        goes on where it stopped as soon as a heartbeat is taken.
        """
        if silent > self._settings.claim - 2 * self._settings.heartbeat:
            self._process.pause()
        logger.warning(
            "a heartbeat was not taken: %s",
            describe(error),
            extra={"action": "run.unheard", "run": self._lease.run_id, "seconds": round(silent)},
        )

    def _end(self, state: RunState, error: str | None) -> None:
        """End process and run."""
        self._process.end()

        def write() -> None:
            with self._database.writing() as session:
                runs.end(session, self._lease.token, state, error=error)

        patiently(write, self._settings.heartbeat)

    def _tell_end(self, reason: str) -> None:
        """Pass the last points on, and end the attempt of a process that told no outcome."""
        with self._database.writing() as session:
            run = session.get(Run, self._lease.run_id)
            if run is not None and run.attempts == self._lease.attempt:
                self._pass_points(session)
                self._pass_checkpoint(session, run)
            runs.die(session, self._lease.token, reason)
