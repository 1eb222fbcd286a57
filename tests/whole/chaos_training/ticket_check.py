"""Asks the record and Redis what became of the tickets of a siege."""

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import func, select

from core.broker import LANES, UNACKED, queue_name
from db import Database
from db.models import Classification, Status, Ticket
from tests.whole.chaos.servers import RedisServer
from tests.whole.chaos_training.producer import SOURCE
from tests.whole.chaos_training.strikes import Outage, uncovered

_SHOWN = 5
_ANSWERED = (Status.ROUTED, Status.REVIEW)


@dataclass(slots=True)
class TicketVerdict:
    """What became of the tickets.

    Attributes:
        lost: ids that were taken and are no row, or have no answer.
        doubled: ids with more than one row, or more than one answer in their round.
        longest_wait: seconds from a ticket's row to its answer in which all servers were up.
        problems: all of it in words, and whatever else must not be.
    """

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    longest_wait: float = 0.0
    problems: list[str] = field(default_factory=list)


def count_waiting(database: Database) -> int:
    """Return how many tickets are not answered yet."""
    with database.reading() as session:
        query = select(func.count()).select_from(Ticket).where(Ticket.status == Status.QUEUED)
        return session.scalar(query) or 0


def check_tickets(database: Database, pushed: int, outages: list[Outage]) -> TicketVerdict:
    """Compare the record with what the producer pushed: ids ``"0"`` to ``pushed - 1``."""
    verdict = TicketVerdict()
    with database.reading() as session:
        tickets = list(session.scalars(select(Ticket)))
        answers = list(session.scalars(select(Classification)))
    rows = Counter(ticket.external_id for ticket in tickets)
    given = Counter((answer.ticket_id, answer.round) for answer in answers)
    for ticket in tickets:
        found = given.pop((ticket.id, ticket.round), 0)
        if found == 0 or ticket.status not in _ANSWERED:
            verdict.lost.append(f"{ticket.external_id} ({ticket.status})")
        if found > 1 or rows[ticket.external_id] > 1:
            verdict.doubled.append(ticket.external_id)
        if ticket.claim_token is not None or ticket.source != SOURCE or ticket.round:
            verdict.problems.append(f"ticket {ticket.external_id} is claimed, or of nobody")
    expected = {str(number) for number in range(pushed)}
    verdict.lost += sorted(expected - rows.keys())
    verdict.problems += [f"nobody pushed {name}" for name in sorted(rows.keys() - expected)]
    if given:
        verdict.problems.append(f"answers to nothing: {list(given)[:_SHOWN]}")
    since = {ticket.id: ticket.queued_at for ticket in tickets}
    waits = [uncovered(since[one.ticket_id], one.classified_at, outages) for one in answers]
    verdict.longest_wait = max(waits, default=0.0)
    verdict.problems += _in_words("lost", verdict.lost) + _in_words("doubled", verdict.doubled)
    return verdict


def left_in_redis(redis: RedisServer) -> dict[str, int]:
    """Return the messages that are left in the lanes, and those that nobody acknowledged."""
    with redis.client() as client:
        left = {queue_name(lane): int(client.llen(queue_name(lane))) for lane in LANES}
        left[UNACKED] = int(client.hlen(UNACKED))
    return {name: count for name, count in left.items() if count}


def _in_words(what: str, names: list[str]) -> list[str]:
    return [f"{len(names)} tickets are {what}: {', '.join(names[:_SHOWN])}"] if names else []
