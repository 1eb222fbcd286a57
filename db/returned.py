"""What returns (退单) left in the record: who refused a ticket and why, and each unit's rate."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from db import taxonomy
from db.corrections import RETURN
from db.models import Correction, Status, Ticket
from db.return_tables import ReturnReason


@dataclass(frozen=True, slots=True)
class Received:
    """How many tickets a unit was sent, and how many of them it returned."""

    sent: int = 0
    returned: int = 0


def refused_units(session: Session, ticket_ids: Collection[int]) -> dict[int, set[str]]:
    """Return the units that returned each ticket: they are not offered it again.

    Where one was split since, its parts are among them: none of it wanted the ticket.
    """
    query = select(Correction.ticket_id, Correction.from_unit).where(
        Correction.ticket_id.in_(ticket_ids),
        Correction.how == RETURN,
        Correction.from_unit.is_not(None),
    )
    returns = [(ticket_id, str(code)) for ticket_id, code in session.execute(query)]
    if not returns:
        return {}
    index = taxonomy.read_index(session)
    refused: dict[int, set[str]] = defaultdict(set)
    for ticket_id, code in returns:
        refused[ticket_id].add(code)
        if index.units[code].split_into:
            refused[ticket_id].update(part.code for part in index.stands_now(code))
    return dict(refused)


def return_reasons(
    session: Session, ticket_ids: Collection[int]
) -> dict[int, list[tuple[str, str]]]:
    """Return (unit code, reason) of each return of tickets, oldest first; "" where none is kept."""
    reasons: dict[int, list[tuple[str, str]]] = defaultdict(list)
    query = (
        select(Correction.ticket_id, Correction.from_unit, ReturnReason.reason)
        .outerjoin(ReturnReason, ReturnReason.correction_id == Correction.id)
        .where(Correction.ticket_id.in_(ticket_ids), Correction.how == RETURN)
        .order_by(Correction.id)
    )
    for ticket_id, unit, reason in session.execute(query):
        reasons[ticket_id].append((unit or "", reason or ""))
    return reasons


def erase_reasons(session: Session, ticket: Ticket) -> None:
    """Erase why units returned a ticket, which may quote it; that they did stays."""
    of_ticket = select(Correction.id).where(Correction.ticket_id == ticket.id)
    session.execute(delete(ReturnReason).where(ReturnReason.correction_id.in_(of_ticket)))


def read_received(session: Session, since: datetime, until: datetime) -> dict[str, Received]:
    """Return what each unit (code) was sent and returned in a period.

    Sent are the tickets that were routed to it then and are there still, and those it returned
    then.
    """
    kept = (
        select(Ticket.unit_code, func.count())
        .where(Ticket.status == Status.ROUTED, Ticket.decided_at >= since)
        .where(Ticket.decided_at < until, Ticket.unit_code.is_not(None))
        .group_by(Ticket.unit_code)
    )
    returned = (
        select(Correction.from_unit, func.count())
        .where(Correction.how == RETURN, Correction.corrected_at >= since)
        .where(Correction.corrected_at < until, Correction.from_unit.is_not(None))
        .group_by(Correction.from_unit)
    )
    there = {str(unit): number for unit, number in session.execute(kept)}
    back = {str(unit): number for unit, number in session.execute(returned)}
    return {
        unit: Received(there.get(unit, 0) + back.get(unit, 0), back.get(unit, 0))
        for unit in sorted(there.keys() | back.keys())
    }
