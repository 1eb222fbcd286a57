"""Waiting for a database that is away: a training must not end by it."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from core.errors import DATABASE_FAULTS, PaidanError
from core.faults import describe

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")


def patiently(
    action: Callable[[], _Result],
    pause: float,
    is_over: Callable[[], bool] = lambda: False,
    faults: tuple[type[PaidanError], ...] = DATABASE_FAULTS,
) -> _Result:
    """Return what an action on the database returns, trying until it is there.

    Args:
        action: one transaction.
        pause: seconds between two tries.
        is_over: whether to try no more; the last fault is raised then.
        faults: what is waited out. An action that writes files, too, must know a full disk.
    """
    is_told = False
    while True:
        try:
            return action()
        except faults as error:
            if is_over():
                raise
            if not is_told:
                logger.warning(
                    "waiting for the database: %s",
                    describe(error),
                    extra={"action": "database.awaited"},
                )
            is_told = True
            time.sleep(pause)
