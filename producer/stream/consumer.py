"""``tickets.ingest`` as one consumer of the group ``relay`` sees it, with the group or without."""

import logging
import time
from typing import Any

from redis.exceptions import OutOfMemoryError, ResponseError

from core.broker import INGEST_GROUP, INGEST_STREAM
from producer.stream.entries import Entry, FetchLimits, fetch

logger = logging.getLogger(__name__)

# Entries another relay read and did not finish in this time are taken over.
_TAKE_OVER_AFTER_MS = 30_000
# Between two looks at an empty stream. XREADGROUP could block instead, but it sends what it finds,
# however large.
_POLL_S = 0.05


class Consumer:
    """Gives out entries: first those that another relay abandoned, then new ones.

    Args:
        redis: a client for bytes.
        name: the consumer's name; relays may share it, for no entry is given out twice.
        limits: how much one batch holds.
    """

    def __init__(self, redis: Any, name: str, limits: FetchLimits) -> None:
        self.redis = redis
        self.name = name
        self.limits = limits
        self._has_group = True

    def wait(self, seconds: float) -> list[Entry]:
        """Return a batch of entries, or none after so many seconds.

        Raises:
            RedisError: Redis cannot be reached, or refuses to read.
        """
        give_up = time.monotonic() + seconds
        try:
            entries = self.fetch("abandoned", idle_ms=_TAKE_OVER_AFTER_MS) or self.fetch("unread")
            while not entries and time.monotonic() + _POLL_S < give_up:
                time.sleep(_POLL_S)
                entries = self.fetch("unread")
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            return self._without_group()
        self._has_group = True
        return entries

    def fetch(self, which: str, *, idle_ms: int = 0) -> list[Entry]:
        """Return entries at once; see ``entries.fetch``."""
        return fetch(self.redis, self.name, which, self.limits, idle_ms=idle_ms)

    def create_group(self) -> bool:
        """Make the group, which begins with the oldest entry; False where Redis is too full."""
        try:
            self.redis.xgroup_create(INGEST_STREAM, INGEST_GROUP, id="0", mkstream=True)
        except OutOfMemoryError:
            return False
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        return True

    def _without_group(self) -> list[Entry]:
        """Make the group: the first time, and after Redis lost its data. Read, if it is too full.

        Other relays may read the same entries then. External ids are unique, and a reject is
        written by the relay that deletes its entry, so nothing is stored or refused twice.
        """
        if self.create_group():
            return []
        if self._has_group:
            logger.warning(
                "Redis is too full for the stream's group: reading without it",
                extra={"action": "group.refused"},
            )
        self._has_group = False
        return self.fetch("any")
