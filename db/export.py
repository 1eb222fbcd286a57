"""The export: a row for each ticket: what came in, what the model said, who decided what."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from core.errors import InputError
from db import draws, taxonomy
from db.corrections import CONFIRM, CORRECT
from db.export_row import export_row
from db.models import Classification, Correction, Status, Ticket, Unit
from db.provenance import BLIND
from db.returned import return_reasons
from db.session import Database

# Tickets read in one transaction.
_PAGE_TICKETS = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tickets to export; an empty field does not restrict.

    Attributes:
        statuses: their present status.
        sources: who sent them.
        since: submitted at this time or later.
        until: submitted before this time.
        held_back: why the newest answer of the present round was held back.
        units: code or name of the decided unit, or of the answered one while none is decided. Units
            that were merged into it count too.
        blind: drawn disagreements that wait to be answered; their rows name no unit.
    """

    statuses: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    held_back: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    blind: bool = False


def export_rows(database: Database, wanted: Wanted | None = None) -> Iterator[dict[str, Any]]:
    """Yield one row a ticket, by id, with the columns ``export_row.EXPORT_COLUMNS``.

    A ticket that a person is to decide blind has none of the model's answer to show while it waits.

    ``predicted_unit``, ``confidence``, ``top_k``, the sets, ``model`` and ``calibration`` (empty
    for the version's own) are of the newest answer in the ticket's present round; ``final_unit`` is
    empty until the ticket is routed; ``unit_now`` has the units that stand for one that is gone:
    its successor, the parts of one that was split, none of one that was retired; ``decided_by`` is
    the person who decided last, or ``model``; ``asked`` says why that person was asked.
    Units are names, times are aware datetimes.

    Each page is read in a transaction of its own, so a slow reader keeps none open. A ticket is
    yielded at most once, as it is when its page is read. Tickets submitted later are not yielded.

    Raises:
        InputError: ``wanted`` names a unit that does not exist.
        DatabaseUnavailableError: the database went away between two pages.
    """
    wanted = wanted or Wanted()
    with database.reading() as session:
        drawn = draws.is_waiting(session)
        query = _query(_conditions(session, wanted, drawn), drawn)
        newest = session.scalar(select(func.max(Ticket.id))) or 0
    last = 0
    while last < newest:
        with database.reading() as session:
            end = min(_page_end(session, last), newest)
            page = _page(session, query.where(Ticket.id > last, Ticket.id <= end), wanted)
        yield from page
        last = end


def _page_end(session: Session, last: int) -> int:
    """Return the id at which the next page ends; a page reads so many tickets, wanted or not."""
    ids = select(Ticket.id).where(Ticket.id > last).order_by(Ticket.id).limit(_PAGE_TICKETS)
    return session.scalar(select(func.max(ids.subquery().c.id))) or last


def _page(
    session: Session, query: Select[*tuple[Any, ...]], wanted: Wanted
) -> list[dict[str, Any]]:
    index = taxonomy.read_index(session)
    rows = session.execute(query.order_by(Ticket.id)).all()
    returned = return_reasons(session, [row[0].id for row in rows if row[0].round > 0])
    return [
        export_row(
            index,
            ticket,
            answer,
            decision,
            returned.get(ticket.id),
            # Of a routed one everybody sees the unit, but for who answers it blind.
            blind=wanted.blind or (drawn and ticket.status == Status.REVIEW),
        )
        for ticket, answer, decision, drawn in rows
    ]


def newest_answer() -> ScalarSelect[int]:
    """Return the subquery for the newest answer to a ticket in its present round."""
    return (
        select(Classification.id)
        .where(Classification.ticket_id == Ticket.id, Classification.round == Ticket.round)
        .order_by(Classification.classified_at.desc(), Classification.id.desc())
        .limit(1)
        .correlate(Ticket)
        .scalar_subquery()
    )


def _query(
    conditions: list[ColumnElement[bool]], drawn: ColumnElement[bool]
) -> Select[*tuple[Any, ...]]:
    decision = (
        select(Correction.id)
        .where(
            Correction.ticket_id == Ticket.id,
            Correction.round == Ticket.round,
            Correction.how.in_((CONFIRM, CORRECT)),
        )
        .order_by(Correction.id.desc())
        .limit(1)
        .correlate(Ticket)
        .scalar_subquery()
    )
    return (
        select(Ticket, Classification, Correction, drawn)
        .outerjoin(
            Classification,
            and_(Classification.ticket_id == Ticket.id, Classification.id == newest_answer()),
        )
        .outerjoin(Correction, and_(Correction.ticket_id == Ticket.id, Correction.id == decision))
        .where(*conditions)
    )


def _conditions(
    session: Session, wanted: Wanted, drawn: ColumnElement[bool]
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [drawn] if wanted.blind else []
    if wanted.statuses:
        # As an expression, or the index on the status would be taken for the page's few ids.
        conditions.append(Ticket.status.concat("").in_(wanted.statuses))
    if wanted.sources:
        conditions.append(Ticket.source.concat("").in_(wanted.sources))
    if wanted.since:
        conditions.append(Ticket.submitted_at >= wanted.since)
    if wanted.until:
        conditions.append(Ticket.submitted_at < wanted.until)
    if wanted.held_back:
        conditions.append(Classification.held_back.in_(wanted.held_back))
    if wanted.units:
        # An answer that is not told chooses no ticket either.
        told = case((_waits_blind(drawn), None), else_=Classification.unit_code)
        unit = func.coalesce(Ticket.unit_code, told)
        conditions.append(unit.in_(_codes_of(session, wanted.units)))
    return conditions


def _waits_blind(drawn: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a ticket waits for a person who is told no answer (see ``export_row``)."""
    is_blind = or_(Classification.held_back.in_(BLIND), drawn)
    return and_(is_blind, Ticket.status.concat("") == Status.REVIEW)


def _codes_of(session: Session, units: tuple[str, ...]) -> set[str]:
    """Return the codes of the named units and of those that were merged into them."""
    named = {
        name: code
        for code, unit_name in session.execute(select(Unit.code, Unit.name))
        for name in (unit_name, code)
    }
    successors = taxonomy.resolve(session, set(named.values()))
    codes = set()
    for unit in units:
        code = named.get(unit) or taxonomy.resolve(session, [unit]).get(unit)
        if code is None:
            raise InputError(f"--unit {unit!r}: there is no such unit ('paidan units list --all')")
        codes |= {code, *(old for old, new in successors.items() if new == code)}
    return codes
