"""Starting a trainer: one role a name; Celery hears, the trainer works."""

import logging
import os
import signal
import threading
import warnings

from celery import signals
from celery.platforms import SecurityWarning

from core.place import place_of
from core.process import RoleLock
from core.settings import Settings
from db import open_database
from training import tasks
from training.runs.patience import patiently
from training.runs.trainer import Trainer

logger = logging.getLogger(__name__)


def run_trainer(settings: Settings, device: str) -> int:
    """Run a trainer in the foreground until it is told to stop; return its exit code.

    SIGTERM or SIGINT end it at once. The run at work goes on later from its last checkpoint.

    Args:
        settings: names the trainer, its servers and triggers.
        device: the GPU that this process sees, or ``cpu``.

    Raises:
        AlreadyRunningError: a trainer of this name lives.
    """
    name = settings.resolved_trainer_name
    lock = RoleLock(settings.resolved_home / "run" / f"{name}.lock", f"trainer {name!r}")
    lock.succeed("PAIDAN_TRAINER_NAME")
    # Celery warns of root because of pickle; this consumer takes JSON only.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    for noisy in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    signals.setup_logging.connect(_keep_logging)
    logger.info(
        "starting trainer", extra={"action": "trainer.started", "trainer": name, "device": device}
    )
    database = patiently(lambda: open_database(settings), settings.heartbeat)
    trainer = Trainer(database, settings, place_of(device), tasks.called)
    return _listen(trainer, name, settings.stop_grace)


def _listen(trainer: Trainer, name: str, grace: float) -> int:
    """Have a thread work while this one hears messages and signals; return the exit code."""
    failed = threading.Event()

    def work() -> None:
        try:
            trainer.run()
        except BaseException:
            failed.set()
            os.kill(os.getpid(), signal.SIGTERM)  # a trainer that only listens helps nobody
            raise

    thread = threading.Thread(target=work, name="trainer", daemon=True)
    # Solo: its task only sets a flag. The thread is the one that starts processes.
    listener = tasks.app.Worker(
        hostname=name,
        pool="solo",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
        loglevel=logging.getLevelName(logging.getLogger().level),
    )
    thread.start()
    listener.start()
    trainer.stop()
    thread.join(grace)
    return 1 if failed.is_set() else int(listener.exitcode or 0)


def _keep_logging(**_: object) -> None:
    """Keep Celery's log formats away: it adds none where somebody listens to this signal."""
