"""Erasing a ticket from the streams: the entries that a relay has not read, and the rejects."""

import json
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from paidan.broker import INGEST_REJECTS, INGEST_STREAM
from producer.ingest import STREAM_SOURCE

_CHUNK = 100


def erase_from_streams(redis: Redis, source: str, external_id: str) -> int:
    """Delete the entries of both streams that hold the ticket; return how many there were.

    Raises:
        RedisError: Redis cannot be reached, or refuses.
    """
    return sum(_erase(redis, stream, source, external_id) for stream in _STREAMS)


_STREAMS = (INGEST_STREAM, INGEST_REJECTS)


def _erase(redis: Any, stream: str, source: str, external_id: str) -> int:
    erased, start = 0, "-"
    while True:
        try:
            entries = redis.xrange(stream, start, "+", count=_CHUNK)
        except ResponseError as error:
            if "WRONGTYPE" in str(error):  # somebody else's key: no stream of ours
                return erased
            raise
        found = [i for i, fields in entries if _is_it(fields or {}, source, external_id)]
        if found:
            erased += redis.xdel(stream, *found)
        if len(entries) < _CHUNK:
            return erased
        start = f"({entries[-1][0]}"


def _is_it(fields: dict[str, Any], source: str, external_id: str) -> bool:
    values: Any = fields
    if "json" in fields:
        try:
            values = json.loads(fields["json"])
        except (ValueError, RecursionError):
            return external_id in fields["json"]
    if not isinstance(values, dict):
        return False
    named = str(values.get("external_id") or "").strip()
    return named == external_id and str(values.get("source") or STREAM_SOURCE) == source
