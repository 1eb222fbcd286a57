"""New tickets: one row each, unique by source and external id."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from core.text import estimate_tokens
from db.models import ROUTINE, Ticket
from db.upsert import insert_for


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket as a producer hands it in; no model sees ``unit``, which its source names."""

    external_id: str
    text: str
    title: str | None = None
    received_at: datetime | None = None
    lane: str = "bulk"
    priority: int = ROUTINE
    due_at: datetime | None = None
    district: str | None = None
    unit: str | None = None
    source: str = "file"
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inserted:
    """What became of a chunk of new tickets.

    Attributes:
        ids: of the rows added, by lane, in the order given.
        known: tickets there before with the same text.
        conflicts: whose external id was there before with another text; nothing was written.
        erased: whose external id is that of a ticket that was erased; nothing was written.
        all_ids: the rows of the added and the known tickets, to wait for them.
    """

    ids: dict[str, list[int]]
    known: int
    conflicts: list[NewTicket]
    erased: list[NewTicket]
    all_ids: list[int]


def insert(session: Session, tickets: Sequence[NewTicket]) -> Inserted:
    """Insert the tickets that are not there yet; a known external id is left as it is."""
    first: dict[tuple[str, str], NewTicket] = {}
    for ticket in tickets:
        first.setdefault((ticket.source, ticket.external_id), ticket)
    _take_turns(session, {source for source, _ in first})
    added = _insert_absent(session, list(first.values()))
    stored = _stored_texts(session, [key for key in first if key not in added])

    ids: dict[str, list[int]] = {}
    for key, row_id in added.items():
        ids.setdefault(first[key].lane, []).append(row_id)
    known: list[tuple[str, str]] = []
    conflicts: list[NewTicket] = []
    erased: list[NewTicket] = []
    for ticket in tickets:
        key = (ticket.source, ticket.external_id)
        if first[key] is ticket and key in added:
            continue
        text = stored[key][1] if key in stored else first[key].text
        if text is None:
            erased.append(ticket)
        elif text == ticket.text:
            known.append(key)
        else:
            conflicts.append(ticket)
    there = dict.fromkeys(stored[key][0] for key in known if key in stored)
    return Inserted(ids, len(known), conflicts, erased, [*added.values(), *there])


def _take_turns(session: Session, sources: set[str]) -> None:
    """Let producers of the same source insert one after the other, as on SQLite all do.

    Two that insert the same tickets in another order would wait for each other's rows for ever.
    """
    if session.get_bind().dialect.name == "postgresql":
        for source in sorted(sources):
            session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(source, 0))))


def _insert_absent(session: Session, tickets: list[NewTicket]) -> dict[tuple[str, str], int]:
    """Insert with ON CONFLICT DO NOTHING; return the new rows' ids in the order given."""
    if not tickets:
        return {}
    statement = (
        insert_for(session, Ticket)
        .on_conflict_do_nothing(index_elements=["source", "external_id"])
        .returning(Ticket.source, Ticket.external_id, Ticket.id)
    )
    rows = session.execute(statement, [_row(ticket) for ticket in tickets])
    found = {(source, external_id): row_id for source, external_id, row_id in rows}
    keys = ((ticket.source, ticket.external_id) for ticket in tickets)
    return {key: found[key] for key in keys if key in found}


def _row(ticket: NewTicket) -> dict[str, Any]:
    return {
        "source": ticket.source,
        "external_id": ticket.external_id,
        "title": ticket.title,
        "text": ticket.text,
        "received_at": ticket.received_at,
        "lane": ticket.lane,
        "priority": ticket.priority,
        "due_at": ticket.due_at,
        "district": ticket.district,
        "meta": ticket.meta,
        "given_unit": ticket.unit,
        "estimated_tokens": estimate_tokens(ticket.title, ticket.text),
    }


def _stored_texts(
    session: Session, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[int, str | None]]:
    """Return id and text (None if it was erased) of the rows with these (source, external id)."""
    if not keys:
        return {}
    rows = session.execute(
        select(Ticket.source, Ticket.external_id, Ticket.id, Ticket.text, Ticket.erased_at).where(
            tuple_(Ticket.source, Ticket.external_id).in_(keys)
        )
    )
    return {
        (source, external_id): (row_id, text if erased_at is None else None)
        for source, external_id, row_id, text, erased_at in rows
    }
