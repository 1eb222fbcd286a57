"""Erasing a ticket from the two streams: entries that no relay has read, and rejects."""

import json
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from core.broker import INGEST_REJECTS, INGEST_STREAM
from core.faults import redis_code
from producer.stream.client import bytes_client
from producer.stream.entry_ticket import STREAM_SOURCE
from producer.tickets.ids import RuinedIdError, read_id

_CHUNK = 10  # an entry may have megabytes
_STREAMS = (INGEST_STREAM, INGEST_REJECTS)


def erase_from_streams(redis: Redis, source: str, external_id: str) -> int:
    """Delete the entries of both streams that hold the ticket; return how many there were.

    Raises:
        RedisError: Redis cannot be reached, or refuses.
    """
    client = bytes_client(redis)
    try:
        return sum(_erase(client, stream, source, external_id) for stream in _STREAMS)
    finally:
        client.close()


def _erase(redis: Any, stream: str, source: str, external_id: str) -> int:
    erased, start = 0, "-"
    while True:
        try:
            entries = redis.xrange(stream, start, "+", count=_CHUNK)
        except ResponseError as error:
            if redis_code(error) == "WRONGTYPE":  # somebody else's key: no stream of ours
                return erased
            raise
        found = [i for i, fields in entries if _is_it(fields or {}, source, external_id)]
        if found:
            erased += redis.xdel(stream, *found)
        if len(entries) < _CHUNK:
            return erased
        start = f"({entries[-1][0].decode()}"


def _is_it(raw: dict[bytes, bytes], source: str, external_id: str) -> bool:
    fields: dict[str, Any] = {_text(name): _text(value) for name, value in raw.items()}
    values: Any = fields
    if "json" in fields:
        try:
            values = json.loads(fields["json"])
        except (ValueError, RecursionError):  # broken, or a reject that was cut
            named = fields.get("rejected_external_id")
            return named == external_id or f'"{external_id}"' in fields["json"]
    if not isinstance(values, dict):
        return False
    is_named = external_id in _ids_of(values.get("external_id"))
    return is_named and str(values.get("source") or STREAM_SOURCE) == source


def _ids_of(value: Any) -> set[str]:
    """Return an entry's id as it was written, and as it is stored (``read_id``)."""
    written = "" if value is None else str(value).strip()
    try:
        stored, _ = read_id(written)
    except RuinedIdError:
        stored = None
    return {written, stored or written}


def _text(value: bytes) -> str:
    return value.decode(errors="replace")
