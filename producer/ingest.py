"""The stream ``tickets.ingest``: for producers that can reach Redis but not Paidan's Python.

An entry is acknowledged after its row is committed, so a killed relay reads it again and the
unique external id makes that harmless. What is no ticket goes to ``tickets.ingest.rejected`` with
its reason.
"""

import json
import logging
import re
from dataclasses import replace
from typing import Any

from redis import ConnectionPool, Redis
from redis.exceptions import ResponseError

from db.tickets import NewTicket
from paidan.broker import INGEST_GROUP, INGEST_REJECTS, INGEST_STREAM
from paidan.settings import Settings
from producer.readers import Row
from producer.records import Reading, Rejected, Remark, read_tickets
from producer.submit import Submitter

logger = logging.getLogger(__name__)

_BATCH = 500
_MAX_REJECTS = 10_000
# Entries another relay read and did not finish in this time are taken over.
_TAKE_OVER_AFTER_MS = 30_000
_SOURCE = re.compile("[^\x00-\x1f\x7f\ud800-\udfff]{1,100}")

Entry = tuple[str, dict[str, str] | None]


class Ingest:
    """Reads the stream as one consumer of the group ``relay``.

    Args:
        name: the consumer's name, unique among relays.
    """

    def __init__(self, redis: Redis, submitter: Submitter, settings: Settings, name: str) -> None:
        # redis-py's stream commands are typed for sync and async at once, hence Any.
        self.redis: Any = _lossless(redis)
        self.submitter = submitter
        self.settings = settings
        self.name = name

    def step(self, wait: float) -> int:
        """Take in one batch, waiting up to ``wait`` seconds for it; return its size."""
        try:
            entries = self._abandoned() or self._fresh(wait)
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            self._create_group()  # the first time, and after Redis lost its data
            return 0
        if entries:
            self._take_in(entries)
        return len(entries)

    def _create_group(self) -> None:
        try:
            self.redis.xgroup_create(INGEST_STREAM, INGEST_GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def _abandoned(self) -> list[Entry]:
        """Claim what a dead consumer, or this one in an earlier life, left unacknowledged."""
        found = self.redis.xautoclaim(
            INGEST_STREAM, INGEST_GROUP, self.name, _TAKE_OVER_AFTER_MS, count=_BATCH
        )
        return list(found[1])

    def _fresh(self, wait: float) -> list[Entry]:
        block = max(1, int(wait * 1000))
        found = self.redis.xreadgroup(
            INGEST_GROUP, self.name, {INGEST_STREAM: ">"}, count=_BATCH, block=block
        )
        return [entry for _stream, entries in found or [] for entry in entries]

    def _take_in(self, entries: list[Entry]) -> None:
        """Commit the tickets, then in one step set aside the rest and acknowledge all of them."""
        reading = Reading(
            source="stream",
            lane="live",
            timezone=self.settings.timezone,
            max_chars=self.settings.max_ticket_chars,
        )
        pipeline = self.redis.pipeline()
        good: list[tuple[str, NewTicket, dict[str, str]]] = []
        for entry_id, fields in entries:
            ticket = read_entry(fields or {}, reading)
            if isinstance(ticket, Rejected):
                _reject(pipeline, entry_id, fields or {}, f"{ticket.field}: {ticket.reason}")
            else:
                good.append((entry_id, ticket, fields or {}))
        result = self.submitter.submit([ticket for _, ticket, _ in good])
        refused = {(t.source, t.external_id, t.text) for t in result.conflicts}
        for entry_id, ticket, fields in good:
            if (ticket.source, ticket.external_id, ticket.text) in refused:
                _reject(pipeline, entry_id, fields, "external_id: stored already with another text")
        ids = [entry_id for entry_id, _ in entries]
        pipeline.xack(INGEST_STREAM, INGEST_GROUP, *ids)
        pipeline.xdel(INGEST_STREAM, *ids)
        pipeline.execute()
        logger.info("ingested", extra={"entries": len(entries), "added": result.added})


def _lossless(redis: Redis) -> Redis:
    """Return a client that reads bytes that are no UTF-8 as surrogates, and writes them back alike.

    Strict decoding would fail on such an entry in the middle of a reply, and on every try again.
    """
    pool = redis.connection_pool
    options = {**pool.connection_kwargs, "encoding_errors": "surrogateescape"}
    return Redis(connection_pool=ConnectionPool(pool.connection_class, **options))


def _reject(pipeline: Any, entry_id: str, fields: dict[str, str], reason: str) -> None:
    # The field alone: the reason may quote what a citizen wrote.
    field = reason.partition(":")[0]
    logger.warning("rejected a stream entry", extra={"entry": entry_id, "field": field})
    pipeline.xadd(
        INGEST_REJECTS,
        {**fields, "rejected_entry": entry_id, "rejected_reason": reason},
        maxlen=_MAX_REJECTS,
        approximate=True,
    )


def read_entry(fields: dict[str, str], reading: Reading) -> NewTicket | Rejected:
    """Read a stream entry: fields as in a CSV file, or one field ``json`` with the whole object.

    ``source`` may be given; ``external_id`` must be, for it makes redelivery harmless.
    """
    values: dict[str, Any] = dict(fields)
    if "json" in fields:
        try:
            decoded: Any = json.loads(fields["json"])
        except (ValueError, RecursionError) as error:
            return Rejected(0, "json", f"not JSON: {error}", values)
        if not isinstance(decoded, dict):
            return Rejected(0, "json", "an object is expected", values)
        values = decoded
    elif isinstance(values.get("meta"), str):
        try:
            values["meta"] = json.loads(values["meta"])
        except (ValueError, RecursionError) as error:
            return Rejected(0, "meta", f"not JSON: {error}", values)
    if not str(values.get("external_id") or "").strip():
        return Rejected(0, "external_id", "missing: it makes sending twice harmless", values)
    if not str(values.get("text") or values.get("Question") or "").strip():
        return Rejected(0, "text", "the text is missing or blank", values)
    source = str(values.pop("source", None) or reading.source)
    if not _SOURCE.fullmatch(source):
        return Rejected(0, "source", "at most 100 printable characters are expected", values)
    return next(read_tickets([Row(0, values)], replace(reading, source=source), _log))[1]


def _log(remark: Remark) -> None:
    # The kind alone: the detail may quote what the sender wrote.
    logger.warning("took an entry", extra={"field": remark.field, "remark": remark.kind})
