"""Starting a worker: one role a name, one GPU, one child process."""

import logging
import warnings

from billiard import util
from celery import signals
from celery.platforms import SecurityWarning

from core.process import RoleLock
from core.settings import Settings
from worker import gpu, tasks
from worker.watchdog import end_on_signal

logger = logging.getLogger(__name__)


def run_worker(settings: Settings, *, wanted_gpu: str | None = None, cpu: bool = False) -> int:
    """Run a worker in the foreground until it is told to stop; return its exit code.

    SIGTERM or SIGINT end it after the batch at work; what is left of the message is published.

    Raises:
        DeviceError: the GPU asked for is not there.
        AlreadyRunningError: a worker of this name lives.
    """
    device = gpu.pin(wanted_gpu, cpu=cpu)
    tasks.pinned_device = device
    name = settings.resolved_worker_name
    # The child inherits the descriptor and so has the lock too. Whoever gets it knows that no
    # process of this name lives, and may free that name's claims.
    lock = RoleLock(settings.resolved_home / "run" / f"{name}.lock", f"worker {name!r}")
    lock.succeed("PAIDAN_WORKER_NAME")
    # Celery warns of root because of pickle; this worker takes JSON only.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    logger.info(
        "starting worker", extra={"action": "worker.started", "worker": name, "device": device}
    )
    # Celery logs each message with its ids. The claim loop tells what became of it instead.
    for noisy in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    signals.setup_logging.connect(_keep_logging)
    end_on_signal()
    celery_worker = tasks.app.Worker(
        hostname=name,
        pool="prefork",
        concurrency=1,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
        loglevel=logging.getLevelName(logging.getLogger().level),
    )
    celery_worker.start()
    return int(celery_worker.exitcode or 0)


def _keep_logging(**_: object) -> None:
    """Keep Celery's log formats away: it adds none where somebody listens to this signal."""
    util.get_logger().propagate = True
