"""Looks now and then whether what the champion answers has drifted, and records it."""

import logging
import time

from db import drift
from db.session import Database

logger = logging.getLogger(__name__)

EVERY_S = 3600.0


class DriftWatch:
    """One of the relay's steps.

    Args:
        database: the record.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._due_at = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether an hour has passed since it looked."""
        return time.monotonic() >= self._due_at

    def look(self) -> None:
        """Record an event for each measure that crossed its threshold, and log it."""
        self._due_at = time.monotonic() + EVERY_S
        with self._database.reading() as session:
            found = drift.read_drift(session)
        if not found.moved:
            return
        with self._database.writing() as session:
            crossed = drift.record_crossings(session, found)
        for one in crossed:
            logger.warning(
                "the champion's tickets have changed ('paidan quality')",
                extra={
                    "action": "drift.crossed",
                    "version": found.version,
                    "measure": one.measure,
                    "by": round(one.by, 4),
                },
            )
