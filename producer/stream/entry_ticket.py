"""From an entry of the stream to a ticket: fields as in a CSV file, or one JSON object."""

import json
import logging
import re
from dataclasses import replace
from typing import Any

from core.settings import Settings
from db.tickets import NewTicket
from producer.files.rows import Row
from producer.stream.entries import Entry
from producer.tickets.options import ReadOptions
from producer.tickets.outcome import Note, Reject
from producer.tickets.reader import read_tickets

logger = logging.getLogger(__name__)

STREAM_SOURCE = "stream"  # of entries that name none
# A larger entry is refused unread: title and text, each character escaped in JSON, and the rest.
_CHAR_BYTES, _META_BYTES = 12, 4 * 1024 * 1024
_SOURCE = re.compile("[^\x00-\x1f\x7f\ud800-\udfff]{1,100}")


class EntryReader:
    """Reads entries as tickets.

    Attributes:
        largest: bytes; a larger entry is no ticket.
    """

    def __init__(self, settings: Settings) -> None:
        self.largest = _META_BYTES + _CHAR_BYTES * settings.max_ticket_chars
        self._options = ReadOptions(
            source=STREAM_SOURCE,
            lane="live",
            timezone=settings.timezone,
            max_chars=settings.max_ticket_chars,
        )

    def read(self, entry: Entry) -> NewTicket | Reject:
        """Return an entry's ticket, or what is wrong with it.

        ``source`` may be given; ``external_id`` must be, for it makes redelivery harmless.
        """
        if entry.size > self.largest:
            reason = f"{entry.size:,} bytes; at most {self.largest:,} are taken"
            return Reject(0, "entry", reason, {})
        values = _values({_text(k): _text(v) for k, v in entry.fields.items()})
        return values if isinstance(values, Reject) else self._ticket(values)

    def _ticket(self, values: dict[str, Any]) -> NewTicket | Reject:
        if not str(values.get("external_id") or "").strip():
            return Reject(0, "external_id", "missing: it makes sending twice harmless", values)
        if not str(values.get("text") or values.get("Question") or "").strip():
            return Reject(0, "text", "the text is missing or blank", values)
        source = str(values.pop("source", None) or self._options.source)
        if not _SOURCE.fullmatch(source):
            return Reject(0, "source", "at most 100 printable characters are expected", values)
        options = replace(self._options, source=source)
        return next(read_tickets([Row(0, values)], options, _log))[1]


def _values(fields: dict[str, str]) -> dict[str, Any] | Reject:
    """Return the object of the field ``json``; else the fields, with ``meta`` decoded."""
    values: dict[str, Any] = dict(fields)
    name = "json" if "json" in fields else "meta"
    if name not in fields:
        return values
    try:
        decoded: Any = json.loads(fields[name])
    except (ValueError, RecursionError) as error:
        return Reject(0, name, f"not JSON: {error}", values)
    if name == "meta":
        return {**values, "meta": decoded}
    if not isinstance(decoded, dict):
        return Reject(0, "json", "an object is expected", values)
    return decoded


def _text(value: bytes) -> str:
    # What is no UTF-8 becomes half surrogate pairs, which reading refuses by the field's name.
    return value.decode(errors="surrogateescape")


def _log(note: Note) -> None:
    # The kind alone: the detail may quote what the sender wrote.
    logger.warning(
        "took an entry",
        extra={"action": "entry.noted", "field": note.field, "note": note.kind},
    )
