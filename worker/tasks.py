"""The Celery task, and the life of the child process that runs it.

The parent process only consumes; database and model are opened in its one child, after the fork.
"""

import logging
import os
import threading
from contextlib import nullcontext

from celery import signals
from celery.worker.consumer import Consumer

from classifier.loading import Options
from core.broker import CLASSIFY_TASK, get_app, make_redis
from core.errors import PaidanError
from core.faults import describe
from core.process import die_with_parent, spare_collector
from core.publisher import Publisher
from core.settings import Settings, get_settings
from db import Database, claims, open_database, workers
from worker.loop import ClaimLoop
from worker.resident import Resident
from worker.shared import make_shared
from worker.watchdog import Watchdog, obey, watch

logger = logging.getLogger(__name__)

app = get_app()

# The device this worker is pinned to; set in the parent before the fork, for the heartbeat.
pinned_device = "cpu"

# What is left of a message is published if Redis answers so soon; else the relay does it. A task
# that waited longer for a frozen Redis would meet its hard limit, and its process with it.
_REDIS_PATIENCE_S = 5.0

_shared = make_shared()


class WorkerProcess:
    """What the child process holds: database, resident model, claim loop and heartbeat."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.name = settings.resolved_worker_name
        self.database: Database = open_database(settings)
        options = Options.of(settings)
        self.resident = Resident(self.database, settings.resolved_models_dir, options)
        self.loop = ClaimLoop(
            self.database,
            self.resident,
            settings,
            Publisher(settings, app, make_redis(settings, _REDIS_PATIENCE_S)).publish,
            self.name,
            lambda: bool(_shared.stopping),
        )
        self._ended = threading.Event()
        self._frozen_version: str | None = None

    def start(self) -> None:
        """Free what a dead predecessor held, load the model, and begin to send heartbeats."""
        with self.database.writing() as session:
            freed, dead = claims.free_of_worker(
                session, self.name, max_attempts=self.settings.max_attempts
            )
            workers.started(session, name=self.name, pid=os.getpid(), device=pinned_device)
        if freed:
            logger.warning("freed a dead worker's claims", extra={"freed": freed, "dead": dead})
        self.resident.refresh()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def freeze_loaded(self) -> None:
        """After a new model's first message: spare the collector what was loaded and compiled."""
        if self.resident.version != self._frozen_version:
            spare_collector()
            self._frozen_version = self.resident.version

    def stop(self) -> None:
        """Say goodbye: the heartbeat ends and the row says it was on purpose."""
        self._ended.set()
        with self.database.writing() as session:
            workers.stopped(session, self.name)

    def _beat(self) -> None:
        first = True
        while not self._ended.wait(0 if first else self.settings.heartbeat):
            first = False
            progress = self.loop.progress
            try:
                with self.database.writing() as session:
                    workers.beat(
                        session,
                        name=self.name,
                        model_version=self.resident.version,
                        classified=progress.classified,
                        stalled_s=_watchdog.stalled if _watchdog else 0.0,
                        dropped=_shared.dropped,
                        progress_age=progress.age,
                    )
                self.loop.release_owed()
            except PaidanError as error:
                logger.warning("no heartbeat: %s", describe(error))
            except Exception:  # the thread must outlive whatever the database says
                logger.exception("no heartbeat")


_process: WorkerProcess | None = None
_watchdog: Watchdog | None = None


def _started_process() -> WorkerProcess:
    """Return the child's state, starting it if that failed before (database not up yet)."""
    global _process
    if _process is None:
        starting = WorkerProcess(get_settings())
        starting.start()
        _process = starting
    return _process


@app.task(name=CLASSIFY_TASK)
def classify(ids: list[int], lane: str) -> int:
    """Classify the tickets ``ids`` of a lane, and what else fits; see ``ClaimLoop.run``."""
    with _watchdog.working() if _watchdog else nullcontext():
        return _classify(ids, lane)


def _classify(ids: list[int], lane: str) -> int:
    process = _started_process()
    classified = process.loop.run(ids, lane)
    process.freeze_loaded()
    if process.resident.needs_new_process:
        # The pool starts another child, which loads the LLM; this one's message comes again there.
        logger.warning("a new process takes over, with the GPU to itself")
        process.stop()
        os._exit(0)
    return classified


@signals.worker_process_init.connect(weak=False)
def _on_child_start(**_: object) -> None:
    global _watchdog
    die_with_parent()
    try:
        _started_process()
    except PaidanError:
        # The first task tries again; until then nothing is claimed, so nothing is lost.
        logger.exception("the worker could not start yet")
    _watchdog = watch(get_settings(), _shared)
    _watchdog.start()


@signals.worker_process_shutdown.connect(weak=False)
def _on_child_stop(**_: object) -> None:
    if _process is not None:
        try:
            _process.stop()
        except PaidanError as error:
            logger.warning("stopped without saying so: %s", describe(error))


@signals.worker_ready.connect(weak=False)
def _on_ready(sender: Consumer, **_: object) -> None:
    obey(sender, _shared)


@signals.worker_shutting_down.connect(weak=False)
def _on_shutdown(**_: object) -> None:
    _shared.stopping = 1
