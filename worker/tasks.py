"""The Celery task, and the signals at which its child process begins and ends.

The parent process only consumes; database and model are opened in its one child, after the fork.
"""

import logging
from contextlib import nullcontext

from celery import signals
from celery.worker.consumer import Consumer

from core.broker import CLASSIFY_TASK, get_app
from core.errors import PaidanError
from core.faults import describe
from core.process import die_with_parent
from core.settings import get_settings
from worker.process import WorkerProcess
from worker.shared import make_shared
from worker.watchdog import Watchdog, obey, watch

logger = logging.getLogger(__name__)

app = get_app()

# The device this worker is pinned to; set in the parent before the fork, for the heartbeat.
pinned_device = "cpu"

_shared = make_shared()
_process: WorkerProcess | None = None
_watchdog: Watchdog | None = None


@app.task(name=CLASSIFY_TASK)
def classify(ids: list[int], lane: str) -> int:
    """Classify the tickets ``ids`` of a lane, and what else fits; see ``ClaimLoop.run``.

    A message without ids says that no ticket waits: the shadow has its turn (``ShadowLoop.run``).
    """
    with _watchdog.working() if _watchdog else nullcontext():
        return _classify(ids, lane)


def _classify(ids: list[int], lane: str) -> int:
    process = _started_process()
    with process.working:
        classified = process.loop.run(ids, lane)
        process.freeze_loaded()
        if not ids and not process.is_card_lent():
            process.shadow.run()
        if process.resident.needs_new_process:
            process.give_way()  # the message comes again there
    return classified


def _started_process() -> WorkerProcess:
    """Return the child's state, starting it if that failed before (database not up yet)."""
    global _process
    if _process is None:
        starting = WorkerProcess(get_settings(), pinned_device, _shared, _stalled)
        starting.start()
        _process = starting
    return _process


def _stalled() -> float:
    return _watchdog.stalled if _watchdog else 0.0


@signals.worker_process_init.connect(weak=False)
def _on_child_start(**_: object) -> None:
    global _watchdog
    die_with_parent()
    try:
        _started_process()
    except PaidanError:
        # The first task tries again; until then nothing is claimed, so nothing is lost.
        logger.exception("the worker could not start yet", extra={"action": "process.start_failed"})
    _watchdog = watch(get_settings(), _shared)
    _watchdog.start()


@signals.worker_process_shutdown.connect(weak=False)
def _on_child_stop(**_: object) -> None:
    if _process is not None:
        try:
            _process.stop()
        except PaidanError as error:
            logger.warning(
                "stopped without saying so: %s",
                describe(error),
                extra={"action": "process.stop_failed"},
            )


@signals.worker_ready.connect(weak=False)
def _on_ready(sender: Consumer, **_: object) -> None:
    obey(sender, _shared)


@signals.worker_shutting_down.connect(weak=False)
def _on_shutdown(**_: object) -> None:
    _shared.stopping = 1
