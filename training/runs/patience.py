"""Waiting for a database that is away: a training must not end by it."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from core.errors import DATABASE_FAULTS, DatabaseUnavailableError, PaidanError
from core.faults import describe

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")

MOST_REFUSALS = 60
"""So often in a row an action may fail on a database that answers: then it is the action's fault,
such as a query that takes longer than the database lets it."""


def patiently(
    action: Callable[[], _Result],
    pause: float,
    is_over: Callable[[], bool] = lambda: False,
    faults: tuple[type[PaidanError], ...] = DATABASE_FAULTS,
    answers: Callable[[], bool] = lambda: False,
) -> _Result:
    """Return what an action on the database returns, trying until it is there.

    Args:
        action: one transaction.
        pause: seconds between two tries.
        is_over: whether to try no more; the last fault is raised then.
        faults: what is waited out. An action that writes files, too, must know a full disk.
        answers: whether the database is there for others; ``MOST_REFUSALS`` count then.
    """
    is_told, refused = False, 0
    while True:
        try:
            return action()
        except faults as error:
            is_refusal = isinstance(error, DatabaseUnavailableError) and answers()
            refused = refused + 1 if is_refusal else 0
            if is_over() or refused >= MOST_REFUSALS:
                raise
            if not is_told:
                logger.warning(
                    "waiting for the database: %s",
                    describe(error),
                    extra={"action": "database.awaited"},
                )
            is_told = True
            time.sleep(pause)
