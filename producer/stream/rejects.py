"""What is no ticket: cut to a few KB and kept in a stream that is bounded in number and bytes."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from redis.exceptions import RedisError, ResponseError

from core.broker import INGEST_REJECTED_TOTAL, INGEST_REJECTS
from core.faults import redis_code
from producer.stream.consumer import Entry, Settled

logger = logging.getLogger(__name__)

# Together at most 16 MiB in Redis, whatever came in: a test measures it.
MOST_REJECTS = 4000
_REJECT_BYTES = 3072
_STREAM_BYTES = 16 * 1024 * 1024
_VALUE_BYTES, _NAME_BYTES, _REASON_BYTES = 2048, 128, 512
_MOST_FIELDS = 64
# What Redis and Python keep for a field beside its bytes.
_FIELD_OVERHEAD = 16
# By these a person finds the ticket at its source.
_FIRST = (b"external_id", b"source")

# Rejects that Redis refused wait in memory, a few MB at most.
_MOST_WAITING = 1000
_TRY_AGAIN_S = 1.0
_AT_ONCE = 100


def reject_words(entry: Entry, reason: str, external_id: str | None = None) -> list[bytes]:
    """Return names and values of an entry's reject: its own fields, cut, and what was wrong.

    Args:
        entry: what came in.
        reason: the field, a colon, and what is wrong with it.
        external_id: the ticket's, where it was read out of ``json`` and could be cut off there.
    """
    notes = {
        b"rejected_entry": entry.id.encode(),
        b"rejected_reason": _cut(reason.encode(errors="replace"), _REASON_BYTES),
    }
    kept = _cut_fields(entry.fields)
    if kept != entry.fields or sum(map(len, (*kept, *kept.values()))) != entry.size:
        notes[b"rejected_bytes"] = str(entry.size).encode()
        if external_id is not None and b"json" in kept:
            notes[b"rejected_external_id"] = _cut(external_id.encode(errors="replace"), _NAME_BYTES)
    return [word for pair in (kept | notes).items() for word in pair]


def _cut_fields(fields: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the fields as far as they fit, those first that name the ticket."""
    kept: dict[bytes, bytes] = {}
    room = _REJECT_BYTES
    for name in sorted(fields, key=lambda name: name not in _FIRST)[:_MOST_FIELDS]:
        short = _cut(name, _NAME_BYTES)
        room -= len(short) + _FIELD_OVERHEAD
        if room < 0:
            break
        kept[short] = _cut(fields[name], min(_VALUE_BYTES, room))
        room -= len(kept[short])
    return kept


def _cut(value: bytes, limit: int) -> bytes:
    """Cut to ``limit`` bytes, not within a character of UTF-8."""
    end = min(limit, len(value))
    while end < len(value) and end > max(0, limit - 3) and value[end] & 0xC0 == 0x80:
        end -= 1
    return value[:end]


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
        self._refused = ""
        self._next_try = 0.0

    def bound(self) -> None:
        """Drop the oldest rejects until all take 16 MiB: an earlier Paidan kept them uncut."""
        while (self.redis.memory_usage(INGEST_REJECTS, samples=0) or 0) > _STREAM_BYTES:
            kept = self.redis.xlen(INGEST_REJECTS) // 2
            self.redis.xtrim(INGEST_REJECTS, maxlen=kept, approximate=False)
            logger.warning("dropped the oldest rejects: they took too much", extra={"kept": kept})

    def add_refused(self, settled: Settled, rejects: Iterable[tuple[str, Sequence[bytes]]]) -> None:
        """Remember the rejects that were not written or counted."""
        self._uncounted += settled.uncounted
        self._waiting += [words for entry, words in rejects if entry in settled.unkept]
        while len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft()
            self._lost += 1
        if settled.reply:
            self._tell(settled.reply)

    def write_waiting(self) -> None:
        """Write and count what waits, at most once a second; Redis' refusal is waited out."""
        now = time.monotonic()
        if now < self._next_try or not (self._waiting or self._uncounted):
            return
        self._next_try = now + _TRY_AGAIN_S
        refused = self._write()
        if refused is not None:
            self._tell(refused)
        elif not self._waiting and self._refused:
            logger.info("rejects are kept again", extra={"lost": self._lost})
            self._refused, self._lost = "", 0

    def close(self) -> None:
        """Try once more to write what waits; log how much is lost."""
        try:
            while (self._waiting or self._uncounted) and self._write() is None:
                pass
        except RedisError:
            logger.debug("Redis is away")
        lost = self._lost + len(self._waiting)
        if lost or self._uncounted:
            extra = {"lost": lost, "uncounted": self._uncounted}
            logger.warning("rejects are lost: Redis did not take them", extra=extra)

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
        refused = None
        for words, reply in zip(some, added, strict=True):
            self._waiting.popleft()
            if isinstance(reply, ResponseError):
                self._waiting.append(words)
                refused = reply
        if isinstance(counted, ResponseError):
            refused = counted
        else:
            self._uncounted = 0
        return None if refused is None else (redis_code(refused) or "refused")

    def _tell(self, refused: str) -> None:
        if not self._refused:
            logger.warning(
                "Redis does not take rejects: they wait in memory", extra={"reply": refused}
            )
        self._refused = refused
