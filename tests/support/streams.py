"""The stream ``tickets.ingest`` as a foreign producer and an operator see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import ConnectionPool, Redis
from redis.exceptions import OutOfMemoryError
from sqlalchemy import select

from core.broker import INGEST_GROUP, INGEST_REJECTED_TOTAL, INGEST_REJECTS, INGEST_STREAM
from db import Database
from db.models import Ticket


class TicketStream:
    """Adds entries as bytes and reads the rejects.

    Args:
        redis: a client of the same server.
    """

    def __init__(self, redis: Redis) -> None:
        pool = redis.connection_pool
        options = pool.connection_kwargs | {"decode_responses": False}
        self.redis: Any = Redis(connection_pool=ConnectionPool(pool.connection_class, **options))

    def add(self, **fields: str | bytes) -> str:
        return str(self.redis.xadd(INGEST_STREAM, fields).decode())

    def rejects(self) -> list[dict[str, str]]:
        """What is kept of the rejects; bytes that are no UTF-8 as surrogates."""
        found = self.redis.xrange(INGEST_REJECTS)
        return [{_text(k): _text(v) for k, v in fields.items()} for _, fields in found]

    def rejected_total(self) -> int:
        """How many rejects there ever were."""
        return int(self.redis.get(INGEST_REJECTED_TOTAL) or 0)

    def left(self) -> tuple[int, int]:
        """Entries in the stream, and those of them read but not acknowledged."""
        pending = self.redis.xpending(INGEST_STREAM, INGEST_GROUP)["pending"]
        return self.redis.xlen(INGEST_STREAM), pending

    @contextmanager
    def full(self) -> Iterator[None]:
        """Let Redis refuse whatever needs memory, within the block."""
        self.fill()
        try:
            yield
        finally:
            self.redis.config_set("maxmemory", 0)

    def fill(self) -> None:
        """Let Redis refuse whatever needs memory, until half of the stream is gone."""
        half = self.redis.memory_usage(INGEST_STREAM, samples=0) // 2
        assert half > 1_000_000, "less is lost among Redis' own buffers"
        memory = self.redis.info("memory")  # what waits for the append-only file does not count
        counted = memory["used_memory"] - memory["mem_not_counted_for_evict"]
        self.redis.config_set("maxmemory", counted - half)
        try:
            self.redis.set("one", "more")
        except OutOfMemoryError:
            return
        raise AssertionError("Redis is not full")


def _text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")


def rows(database: Database) -> dict[str, Ticket]:
    """All tickets by external id."""
    with database.reading() as session:
        return {ticket.external_id: ticket for ticket in session.scalars(select(Ticket))}
