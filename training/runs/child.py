"""The program of a run's process; its trainer starts it: ``python -m training.runs.child RUN``.

The lease's token comes through standard input. The exit code is 0 once the record has the outcome;
any other end is a death, which the trainer enters.
"""

import logging
import os
import signal
import sys
import threading
import time

from core.logging import configure
from core.process import RoleLock, collect_seldom
from core.settings import Settings, get_settings
from db import Database, open_database, runs
from db.run_tables import RunState
from training.runs.patience import patiently
from training.runs.workplace import Workplace

logger = logging.getLogger(__name__)

_WAIT_FOR_PREDECESSOR_S = 30.0
_POLL_S = 0.5


def main() -> int:
    """Work off a run; return the exit code."""
    configure()
    collect_seldom()
    run_id, token = int(sys.argv[1]), sys.stdin.readline().strip()
    _end_with_parent()
    settings = get_settings()
    place = Workplace(settings, run_id)
    if not _is_alone(place.lock()):
        logger.error(
            "another process is still at work on the run",
            extra={"action": "run.occupied", "run": run_id},
        )
        return 1
    database = patiently(lambda: open_database(settings), settings.heartbeat)
    try:
        from training.runs.errand import Errand  # here: it imports much
    except ModuleNotFoundError as error:
        _fail(database, settings, token, error.name)
        return 0
    Errand(database, settings, run_id, token, place).run()
    return 0


def _fail(database: Database, settings: Settings, token: str, library: str | None) -> None:
    """End a run that cannot be worked off on this machine: no further attempt would help."""
    told = (
        f"this needs {library}, which is not installed where the trainer runs: pip install "
        "'paidan[linear]', or 'paidan[ml]' for an LLM; then ask for another run (paidan runs start)"
    )

    def write() -> None:
        with database.writing() as session:
            runs.end(session, token, RunState.FAILED, error=told)

    patiently(write, settings.heartbeat)


def _is_alone(lock: RoleLock) -> bool:
    """Take the lock, waiting for a predecessor whose trainer was killed."""
    if not lock.try_within(_WAIT_FOR_PREDECESSOR_S):
        return False
    global _lock
    _lock = lock  # held as long as this process lives
    return True


_lock: RoleLock | None = None


def _end_with_parent() -> None:
    """End this process group when the trainer is gone; Linux alone does so by itself."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_POLL_S)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
