"""The stream ``tickets.ingest``: for producers that can reach Redis but not Paidan's Python.

An entry is acknowledged after its row is committed, so a killed relay reads it again and the
unique external id makes that harmless. What is no ticket goes to ``tickets.ingest.rejected`` with
its reason (see ``rejects.py``); how the stream is read, ``consumer.py`` says.
"""

import json
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError, ResponseError
from sqlalchemy.exc import SQLAlchemyError

from core.errors import DATABASE_FAULTS, RecordRefusedError
from core.faults import describe
from core.settings import Settings
from db import tickets
from db.tickets import NewTicket
from producer.files.rows import Row
from producer.stream.consumer import Entry, Stream
from producer.stream.rejects import MOST_REJECTS, Rejects, reject_words
from producer.submit import SubmitResult, Submitter
from producer.tickets.options import ReadOptions
from producer.tickets.outcome import Note, Reject
from producer.tickets.reader import read_tickets

logger = logging.getLogger(__name__)

STREAM_SOURCE = "stream"  # of entries that name none
_BATCH = 500
# A batch ends with the entry that brings it over so many bytes.
_BATCH_BYTES = 8 * 1024 * 1024
# A larger entry is refused unread: title and text, each character escaped in JSON, and the rest.
_CHAR_BYTES, _META_BYTES = 12, 4 * 1024 * 1024
# Entries another relay read and did not finish in this time are taken over.
_TAKE_OVER_AFTER_MS = 30_000
# Between two looks at an empty stream. XREADGROUP could block instead, but it sends what it finds,
# however large.
_POLL_S = 0.05
_SOURCE = re.compile("[^\x00-\x1f\x7f\ud800-\udfff]{1,100}")


@dataclass(slots=True)
class _Read:
    """An entry, and what it was read as."""

    entry: Entry
    ticket: NewTicket | Reject

    def forget(self) -> None:
        """Refuse a ticket that was erased; of what came in, its ids alone are kept."""
        if isinstance(self.ticket, NewTicket):
            source, external_id = (part.encode() for part in _key(self.ticket))
            fields = {b"source": source, b"external_id": external_id}
            self.entry = replace(self.entry, fields=fields)
            self.ticket = Reject(0, "external_id", "its ticket was erased", {})


class Ingest:
    """Reads the stream as one consumer of the group ``relay``.

    Args:
        name: the consumer's name, unique among relays.
    """

    def __init__(self, redis: Redis, submitter: Submitter, settings: Settings, name: str) -> None:
        self.submitter = submitter
        self.settings = settings
        self.largest = _META_BYTES + _CHAR_BYTES * settings.max_ticket_chars
        self.stream = Stream(redis, name, self.largest)
        self.rejects = Rejects(self.stream.redis)
        self._held: list[Entry] = []  # read, and then Redis or the database failed
        self._bounded = False
        self._grouped = True
        self._publish_again = 0.0

    def step(self, wait: float) -> int:
        """Take in one batch, waiting up to ``wait`` seconds for it; return its size.

        Raises:
            RedisError: Redis cannot be reached, or refuses to read or to acknowledge.
            DatabaseUnavailableError, StorageError: the database failed. The batch is held, and the
                next step begins with it.
        """
        self._tend_rejects()
        if not self._held:
            self._held = self._wait_for_entries(wait)
        taken = len(self._held)
        if self._held:
            self._take_in(self._held)
            self._held = []
        return taken

    def close(self) -> None:
        """Write what rejects wait; to be called when no step follows."""
        self.rejects.close()

    def _tend_rejects(self) -> None:
        """Write rejects that wait. What Redis has against it must not hold tickets up."""
        try:
            if not self._bounded:
                self._bounded = True
                self.rejects.bound()
            self.rejects.write_waiting()
        except ResponseError as error:
            logger.warning("rejects are not kept", extra={"error": describe(error)})

    def _wait_for_entries(self, wait: float) -> list[Entry]:
        give_up = time.monotonic() + wait
        try:
            entries = self._read("abandoned", idle_ms=_TAKE_OVER_AFTER_MS) or self._read("unread")
            while not entries and time.monotonic() + _POLL_S < give_up:
                time.sleep(_POLL_S)
                entries = self._read("unread")
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            return self._without_group()
        self._grouped = True
        return entries

    def _without_group(self) -> list[Entry]:
        """Make the group: the first time, and after Redis lost its data. Read, if it is too full.

        Other relays may read the same entries then. External ids are unique, and a reject is
        written by the relay that deletes its entry, so nothing is stored or refused twice.
        """
        if self.stream.create_group():
            return []
        if self._grouped:
            logger.warning("Redis is too full for the stream's group: reading without it")
        self._grouped = False
        return self._read("any")

    def _read(self, which: str, **options: int) -> list[Entry]:
        return self.stream.read(which, most=_BATCH, room=_BATCH_BYTES, **options)

    def _take_in(self, entries: list[Entry]) -> None:
        """Commit the tickets, then in one step set aside the rest and acknowledge all of them."""
        options = ReadOptions(
            source=STREAM_SOURCE,
            lane="live",
            timezone=self.settings.timezone,
            max_chars=self.settings.max_ticket_chars,
        )
        read = [_Read(entry, self._ticket(entry, options)) for entry in entries]
        result = self._submit(read)
        conflicts = {(t.source, t.external_id, t.text) for t in result.conflicts}
        erased = {(r.ticket.source, r.ticket.external_id) for r in result.refused}
        settled: list[tuple[str, Sequence[bytes]]] = []
        for item in read:
            if isinstance(item.ticket, NewTicket) and _key(item.ticket) in erased:
                item.forget()
            reason, external_id = _reason(item.ticket, conflicts)
            words = reject_words(item.entry, reason, external_id) if reason else ()
            settled.append((item.entry.id, words))
            if reason:
                # The field alone: the reason may quote what a citizen wrote.
                extra = {"entry": item.entry.id, "field": reason.partition(":")[0]}
                logger.warning("rejected a stream entry", extra=extra)
        refused = self.stream.settle(settled, most_rejects=MOST_REJECTS)
        self.rejects.add_refused(refused, settled)
        logger.info("ingested", extra={"entries": len(entries), "added": result.added})

    def _ticket(self, entry: Entry, options: ReadOptions) -> NewTicket | Reject:
        if entry.size > self.largest:
            reason = f"{entry.size:,} bytes; at most {self.largest:,} are taken"
            return Reject(0, "entry", reason, {})
        return read_entry({_text(k): _text(v) for k, v in entry.fields.items()}, options)

    def _submit(self, read: list[_Read]) -> SubmitResult:
        """Store the tickets; make a reject of each that the database refuses for its own sake.

        A batch that fails is stored in halves, so the ticket at fault takes no other with it.
        """
        result = SubmitResult()
        tried = time.monotonic() >= self._publish_again
        if not tried:  # a sweep publishes what was stored
            result.unpublished = "Redis did not take messages lately"
        parts = [[item for item in read if isinstance(item.ticket, NewTicket)]]
        while parts:
            part = parts.pop()
            try:
                self.submitter.submit((t.ticket for t in part), result)  # type: ignore[misc]
            except (*DATABASE_FAULTS, RedisError):
                raise
            except Exception as error:
                half = len(part) // 2
                if half:
                    parts += [part[half:], part[:half]]
                elif self._database_works():
                    reason = f"the database refuses it ({type(error).__name__})"
                    part[0].ticket = Reject(0, "entry", reason, {})
                else:
                    raise  # every ticket would be refused
        if tried and result.unpublished:
            self._publish_again = time.monotonic() + self.settings.relay_sweep
        return result

    def _database_works(self) -> bool:
        """Whether the database takes a plain ticket; nothing is stored."""
        plain = NewTicket(source="paidan", external_id=uuid4().hex, text="plain")
        try:
            with self.submitter.database.reading() as session:
                tickets.insert(session, [plain])
        except (*DATABASE_FAULTS, RecordRefusedError, SQLAlchemyError):
            return False
        return True


def _key(ticket: NewTicket) -> tuple[str, str]:
    return ticket.source, ticket.external_id


def _reason(
    ticket: NewTicket | Reject, conflicts: set[tuple[str, str, str]]
) -> tuple[str, str | None]:
    """Return why an entry is set aside, empty if it is not, and the external id it gave."""
    if isinstance(ticket, Reject):
        given = ticket.row.get("external_id")
        external_id = str(given) if isinstance(given, str | int) else None
        return f"{ticket.field}: {ticket.reason}", external_id
    if (ticket.source, ticket.external_id, ticket.text) in conflicts:
        return "external_id: stored already with another text", ticket.external_id
    return "", None


def _text(value: bytes) -> str:
    # What is no UTF-8 becomes half surrogate pairs, which reading refuses by the field's name.
    return value.decode(errors="surrogateescape")


def read_entry(fields: dict[str, str], options: ReadOptions) -> NewTicket | Reject:
    """Read a stream entry: fields as in a CSV file, or one field ``json`` with the whole object.

    ``source`` may be given; ``external_id`` must be, for it makes redelivery harmless.
    """
    values: dict[str, Any] = dict(fields)
    if "json" in fields:
        try:
            decoded: Any = json.loads(fields["json"])
        except (ValueError, RecursionError) as error:
            return Reject(0, "json", f"not JSON: {error}", values)
        if not isinstance(decoded, dict):
            return Reject(0, "json", "an object is expected", values)
        values = decoded
    elif isinstance(values.get("meta"), str):
        try:
            values["meta"] = json.loads(values["meta"])
        except (ValueError, RecursionError) as error:
            return Reject(0, "meta", f"not JSON: {error}", values)
    if not str(values.get("external_id") or "").strip():
        return Reject(0, "external_id", "missing: it makes sending twice harmless", values)
    if not str(values.get("text") or values.get("Question") or "").strip():
        return Reject(0, "text", "the text is missing or blank", values)
    source = str(values.pop("source", None) or options.source)
    if not _SOURCE.fullmatch(source):
        return Reject(0, "source", "at most 100 printable characters are expected", values)
    return next(read_tickets([Row(0, values)], replace(options, source=source), _log))[1]


def _log(note: Note) -> None:
    # The kind alone: the detail may quote what the sender wrote.
    logger.warning("took an entry", extra={"field": note.field, "note": note.kind})
