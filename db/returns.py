"""Returns (退单): a unit gives a ticket back as not its own, and the next dispatch round begins.

The round goes without the units that returned the ticket. After the second return a person decides:
whoever guessed wrong twice should not guess again.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.names import spelled
from db import clock, taxonomy
from db.corrections import RETURN
from db.models import Correction, Status, Ticket
from db.return_tables import ReturnReason
from db.returned import refused_units
from db.unit_index import UnitIndex

MOST_RETURNS = 2
"""The return with which a ticket goes to a person."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What a return did.

    Attributes:
        status: ``queued`` for its next round, or ``review``; None where the unit had returned the
            ticket before, and nothing was done.
        refused: why nothing was done, and what to do; None where there is nothing to do.
    """

    status: Status | None = None
    refused: str | None = None


def return_ticket(
    session: Session, ticket: Ticket, unit: str, reason: str, *, actor: str
) -> Returned:
    """Take a ticket back from the unit to which it is routed, and open its next round.

    A unit returns a ticket once: the same return again changes nothing.

    Args:
        session: a writing session.
        ticket: from ``corrections.find_ticket``, locked.
        unit: code or name of the unit, which may be gone by now.
        reason: why it is not the unit's, in its own words.
        actor: who says so.
    """
    index = taxonomy.read_index(session)
    found = index.exact(unit)
    codes = [one.code for one in ([found] if found else index.alike(unit))]
    if not codes:
        return Returned(refused=f"unit {taxonomy.why_unresolved(session, unit)}")
    returned = [one.from_unit for one in _returns(session, ticket)]
    is_here = _is_any(index, ticket.unit_code, codes)
    # What the unit returned before it was merged may be at its successor now.
    is_past = ticket.unit_code not in codes and any(code in codes for code in returned)
    if is_past or (not is_here and any(_is_any(index, code, codes) for code in returned)):
        return Returned()
    if why := _why_not(session, ticket, index, unit, is_here=is_here):
        return Returned(refused=why)
    _take_back(session, ticket, _who_returns(ticket, index, codes), reason, actor)
    return Returned(Status(ticket.status))


def _who_returns(ticket: Ticket, index: UnitIndex, codes: Collection[str]) -> str | None:
    """Return the code of the unit that returns: it goes without the ticket from now on.

    A ticket that is still at a unit that is gone is returned by the one that was named, for what
    stands for it now.
    """
    now = {unit.code for code in codes if (unit := index.follow(index.units[code])) is not None}
    return now.pop() if len(now) == 1 else ticket.unit_code


def _why_not(
    session: Session, ticket: Ticket, index: UnitIndex, unit: str, *, is_here: bool
) -> str | None:
    """Say why a ticket cannot be returned by a unit, and what to do; None where it can."""
    if ticket.erased_at is not None:
        return "the ticket was erased: there is nothing left to dispatch"
    if ticket.status == Status.DEAD:
        return "the ticket is dead, and routed to no unit ('paidan dead list')"
    if ticket.status != Status.ROUTED:
        waits = "a person" if ticket.status == Status.REVIEW else "a worker"
        return f"the ticket is routed to no unit: it waits for {waits}"
    if not is_here:
        there = index.units[str(ticket.unit_code)].name
        return f"the ticket is routed to {spelled(there)}, not to {spelled(unit)}"
    if ticket.unit_code in refused_units(session, [ticket.id]).get(ticket.id, ()):
        return (
            f"{spelled(unit)} returned the ticket before, and it was given to that unit again: let "
            "a person decide ('paidan correct')"
        )
    return None


def _take_back(session: Session, ticket: Ticket, unit: str | None, reason: str, actor: str) -> None:
    correction = Correction(
        ticket_id=ticket.id,
        round=ticket.round,
        from_unit=unit,
        to_unit=None,
        actor=actor,
        how=RETURN,
    )
    session.add(correction)
    session.flush()
    session.add(ReturnReason(correction_id=correction.id, reason=reason))
    is_last = len(_returns(session, ticket)) >= MOST_RETURNS
    ticket.round += 1
    ticket.status = Status.REVIEW if is_last else Status.QUEUED
    ticket.unit_code = ticket.decided_at = ticket.dead_reason = None
    ticket.attempts, ticket.solo, ticket.queued_at = 0, False, clock.now()
    session.flush()


def _returns(session: Session, ticket: Ticket) -> list[Correction]:
    query = select(Correction).where(Correction.ticket_id == ticket.id, Correction.how == RETURN)
    return list(session.scalars(query.order_by(Correction.id)))


def _is_any(index: UnitIndex, code: str | None, codes: Collection[str]) -> bool:
    """Whether a code is, or was, the unit of one of several."""
    return code is not None and any(index.agree(code, other) for other in codes)
