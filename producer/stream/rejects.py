"""The stream of rejects, bounded in number and bytes, and those that Redis does not take now."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from redis.exceptions import RedisError, ResponseError

from core.broker import INGEST_REJECTED_TOTAL, INGEST_REJECTS
from core.faults import redis_code
from producer.stream.acknowledgement import Acknowledgement

logger = logging.getLogger(__name__)

# Together at most 16 MiB in Redis, whatever came in: a test measures it.
MOST_REJECTS = 4000
_STREAM_BYTES = 16 * 1024 * 1024

# Rejects that Redis refused wait in memory, a few MB at most.
_MOST_WAITING = 1000
_TRY_AGAIN_S = 1.0
_AT_ONCE = 100


class Rejects:
    """Keeps in memory what Redis does not take now, and writes it when it does.

    Args:
        redis: a client for bytes.
    """

    def __init__(self, redis: Any) -> None:
        self.redis = redis
        self._waiting: deque[Sequence[bytes]] = deque()
        self._uncounted = 0
        self._lost = 0
        self._refusal = ""  # Redis' error code, until it takes rejects again
        self._next_try = 0.0

    def trim(self) -> None:
        """Drop the oldest rejects until all take 16 MiB: an earlier Paidan kept them uncut."""
        while (self.redis.memory_usage(INGEST_REJECTS, samples=0) or 0) > _STREAM_BYTES:
            kept = self.redis.xlen(INGEST_REJECTS) // 2
            self.redis.xtrim(INGEST_REJECTS, maxlen=kept, approximate=False)
            logger.warning(
                "dropped the oldest rejects: they took too much",
                extra={"action": "rejects.dropped", "kept": kept},
            )

    def add_unkept(
        self, faults: Acknowledgement, rejects: Iterable[tuple[str, Sequence[bytes]]]
    ) -> None:
        """Remember the rejects that were not written or counted.

        Args:
            faults: what Redis refused of them.
            rejects: ids of entries, with the words of their rejects.
        """
        self._uncounted += faults.uncounted
        self._waiting += [words for entry, words in rejects if entry in faults.unkept]
        while len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft()
            self._lost += 1
        if faults.reply:
            self._tell(faults.reply)

    def write_waiting(self) -> None:
        """Write and count what waits, at most once a second; Redis' refusal is waited out."""
        now = time.monotonic()
        if now < self._next_try or not (self._waiting or self._uncounted):
            return
        self._next_try = now + _TRY_AGAIN_S
        refusal = self._write()
        if refusal is not None:
            self._tell(refusal)
        elif not self._waiting and self._refusal:
            logger.info(
                "rejects are kept again", extra={"action": "rejects.kept", "lost": self._lost}
            )
            self._refusal, self._lost = "", 0

    def close(self) -> None:
        """Try once more to write what waits; log how much is lost."""
        try:
            while (self._waiting or self._uncounted) and self._write() is None:
                pass
        except RedisError:
            logger.debug("Redis is away", extra={"action": "redis.lost"})
        lost = self._lost + len(self._waiting)
        if lost or self._uncounted:
            logger.warning(
                "rejects are lost: Redis did not take them",
                extra={"action": "rejects.lost", "lost": lost, "uncounted": self._uncounted},
            )

    def _write(self) -> str | None:
        """Write some rejects and the count; return Redis' error code if it refuses, else None."""
        some = [self._waiting[i] for i in range(min(_AT_ONCE, len(self._waiting)))]
        pipeline = self.redis.pipeline(transaction=False)
        for words in some:
            pipeline.execute_command(
                "XADD", INGEST_REJECTS, "MAXLEN", "=", MOST_REJECTS, "*", *words
            )
        pipeline.incrby(INGEST_REJECTED_TOTAL, self._uncounted)
        *added, counted = pipeline.execute(raise_on_error=False)
        refusal = None
        for words, reply in zip(some, added, strict=True):
            self._waiting.popleft()
            if isinstance(reply, ResponseError):
                self._waiting.append(words)
                refusal = reply
        if isinstance(counted, ResponseError):
            refusal = counted
        else:
            self._uncounted = 0
        return None if refusal is None else (redis_code(refusal) or "refused")

    def _tell(self, refusal: str) -> None:
        if not self._refusal:
            logger.warning(
                "Redis does not take rejects: they wait in memory",
                extra={"action": "rejects.refused", "reply": refusal},
            )
        self._refusal = refusal
