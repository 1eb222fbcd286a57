"""The trainer: looks for a run that waits, and sees it through in a process of its own."""

import hashlib
import logging
import shutil
import threading
import time

from core.errors import DATABASE_FAULTS, RecordRefusedError
from core.faults import describe
from core.process import RoleLock
from core.settings import Settings
from db import Database, runs
from db.claims import new_token
from db.models import ModelVersion
from db.run_tables import Run
from db.runs import Lease
from training.runs.process import RunProcess
from training.runs.supervision import Supervision
from training.runs.triggers import ask_where_due, judge_where_due
from training.runs.turn import may_begin, takes_turns
from training.runs.workplace import Workplace, left_behind

logger = logging.getLogger(__name__)


class Trainer:
    """Works off runs one after the other, on one device.

    Args:
        database: the record.
        settings: names the trainer; times, limits and triggers.
        device: what it trains on; one run at a time is on it, whoever trains.
        called: is set by whoever wants it to look at once.
    """

    def __init__(
        self, database: Database, settings: Settings, device: str, called: threading.Event
    ) -> None:
        self._database = database
        self._settings = settings
        self._device = device
        self._name = settings.resolved_trainer_name
        self._called = called
        self._stop = threading.Event()
        self._is_first_look = True
        self._free_from = time.monotonic()
        self._next_token = new_token()
        digest = hashlib.sha256(device.encode()).hexdigest()[:16]
        path = settings.resolved_home / "run" / f"training-device-{digest}.lock"
        self._device_lock = RoleLock(path, "a trainer on this device")

    def stop(self) -> None:
        """Have it end: the run at work is handed back, and goes on from its last checkpoint."""
        self._stop.set()
        self._called.set()

    def run(self) -> None:
        """Look for runs until ``stop`` is called: at once when called, else with each heartbeat."""
        while not self._stop.is_set():
            self._called.clear()
            try:
                found = self.look()
            except DATABASE_FAULTS as error:
                found = False
                # Leases ran out while the database was away: let trainers that live prolong theirs
                # before they are taken for dead.
                self._free_from = time.monotonic() + 2 * self._settings.heartbeat
                logger.warning(
                    "the record cannot be asked for runs: %s",
                    describe(error),
                    extra={"action": "trainer.unheard"},
                )
            if not found:
                self._called.wait(self._settings.heartbeat)

    def look(self) -> bool:
        """Take over what dead trainers left, ask for a run that is due, and see one run through.

        Returns:
            Whether there was one.
        """
        self._free_dead()
        self._clear_ended()
        ask_where_due(self._database, self._settings, actor=self._name)
        judge_where_due(self._database, actor=self._name)
        # A run has ended when its process says so. That may hold the device's memory for a moment
        # more, and another trainer of this home waits for it.
        if not self._device_lock.try_acquire():
            return False
        try:
            lease = self._lease()
            if lease is not None:
                self._work_off(lease)
        finally:
            self._device_lock.release()
        self._clear_ended()
        return lease is not None

    def _free_dead(self) -> None:
        with self._database.writing() as session:
            freed = runs.free_expired(session) if time.monotonic() >= self._free_from else []
            if self._is_first_look:  # whoever had this name is dead: its lock is ours
                freed += runs.free_of_holder(session, self._name)
        self._is_first_look = False
        if freed:
            logger.warning(
                "freed runs of dead trainers", extra={"action": "run.freed", "runs": freed}
            )

    def _clear_ended(self) -> None:
        """Remove what ended runs left, unless somebody of this home is still at work there.

        Beside the versions that is what a machine left, too, that never came back.
        """
        there = left_behind(self._settings)
        if not there:
            return
        with self._database.reading() as session:
            found = {run_id: session.get(Run, run_id) for run_id in there}
        for run_id, run in found.items():
            place = Workplace(self._settings, run_id)
            lock = place.lock()
            # What the record does not know was of this home, or is another installation's.
            is_over = run.state in runs.ENDED if run else place.folder.exists()
            if is_over and lock.try_acquire():
                for name in (place.made_version(), run.version if run else None):
                    self._forget_unregistered(name)
                place.clear()
                lock.release()

    def _forget_unregistered(self, name: str | None) -> None:
        """Remove a version that a run made and did not come to enter."""
        if name is None:
            return
        with self._database.reading() as session:
            is_known = session.get(ModelVersion, name) is not None
        if not is_known:
            shutil.rmtree(self._settings.resolved_models_dir / name, ignore_errors=True)

    def _lease(self) -> Lease | None:
        """Lease a run under a token that is another one's only once this lease is known.

        A database that dies may have committed: then the next look finds the lease by its token.
        """
        with self._database.reading() as session:
            if not runs.is_under_way(session):
                return None
        takes_card = takes_turns(self._settings)
        try:
            with self._database.writing() as session:
                is_new = runs.find(session, self._next_token) is None
                if is_new and takes_card and not may_begin(session, self._settings):
                    return None
                lease = runs.lease(
                    session,
                    token=self._next_token,
                    holder=self._name,
                    device=self._device,
                    seconds=self._settings.claim,
                    takes_card=takes_card,
                )
        except RecordRefusedError:  # another trainer was first on this device
            return None
        if lease is not None:
            self._next_token = new_token()
        return lease

    def _work_off(self, lease: Lease) -> None:
        logger.info(
            "a run begins, or goes on",
            extra={"action": "run.leased", "run": lease.run_id, "attempt": lease.attempt},
        )
        place = Workplace(self._settings, lease.run_id)
        process = RunProcess(self._settings, lease.run_id, lease.token, place.temporary)
        try:
            Supervision(self._database, self._settings, lease, process, place).see_through(
                self._stop
            )
        finally:
            process.end()
