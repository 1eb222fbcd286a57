"""The checker: asks the database and Redis what became of every ticket."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from core.broker import INGEST_STREAM, LANES, UNACKED, UNACKED_INDEX, queue_name
from db.models import Classification, Correction, Status, Ticket
from db.returns import MOST_RETURNS
from tests.whole.chaos.person import Decided
from tests.whole.chaos.producers import text_of
from tests.whole.chaos.watch import pending_entries
from tests.whole.chaos.world import World

_SHOWN = 5


@dataclass(slots=True)
class Verdict:
    """What the database says at the end.

    Attributes:
        tickets: rows.
        lost: tickets that a producer handed in and that are no row.
        double: rows or answers that are there twice.
        dead: tickets that were given up, with the reason.
        queued: tickets that still wait.
        wrong: whatever else must not be.
    """

    tickets: int = 0
    answers: int = 0
    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    queued: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Everything that must not be, in words."""
        named = {
            "lost": self.lost,
            "double": self.double,
            "dead": self.dead,
            "still queued": self.queued,
        }
        lines = [
            f"{len(found)} {name}: {', '.join(found[:_SHOWN])}"
            for name, found in named.items()
            if found
        ]
        return lines + self.wrong[: 4 * _SHOWN]


def check(world: World, expected: set[tuple[str, str]], decided: dict[int, Decided]) -> Verdict:
    """Compare the record with what producers handed in and a person decided."""
    verdict = Verdict()
    with world.database.reading() as session:
        tickets = list(session.scalars(select(Ticket)))
        answers = session.execute(
            select(Classification.ticket_id, Classification.round, Classification.unit_code)
        ).all()
        corrections = list(session.scalars(select(Correction).order_by(Correction.id)))
    verdict.tickets, verdict.answers = len(tickets), len(answers)
    _check_rows(verdict, tickets, expected)
    _check_answers(verdict, tickets, [(i, r, u) for i, r, u in answers], corrections)
    _check_decisions(verdict, {ticket.id: ticket for ticket in tickets}, corrections, decided)
    _check_redis(verdict, world)
    return verdict


def _check_rows(verdict: Verdict, tickets: list[Ticket], expected: set[tuple[str, str]]) -> None:
    keys = [(ticket.source, ticket.external_id) for ticket in tickets]
    verdict.lost += sorted("/".join(key) for key in expected.difference(keys))
    if len(keys) != len(set(keys)):
        verdict.double.append("a source's id stands in two rows")
    for source, external_id in sorted(set(keys) - expected)[:_SHOWN]:
        verdict.wrong.append(f"nobody handed in {source}/{external_id[:50]}")
    for ticket in tickets:
        name = f"{ticket.source}/{ticket.external_id}"
        if ticket.text != text_of(ticket.source, ticket.external_id):
            verdict.wrong.append(f"{name} has another text")
        if ticket.status == Status.DEAD:
            verdict.dead.append(f"{name} ({ticket.attempts} attempts, {ticket.dead_reason})")
        elif ticket.status == Status.QUEUED:
            verdict.queued.append(f"{name} ({_claim_of(ticket)})")
        elif ticket.claim_token or ticket.claimed_by or ticket.claimed_until:
            verdict.wrong.append(f"{name} is {ticket.status} and claimed ({_claim_of(ticket)})")
        if (ticket.status == Status.ROUTED) != (ticket.unit_code is not None):
            verdict.wrong.append(f"{name} is {ticket.status} with unit {ticket.unit_code}")
        if ticket.attempts < 0:
            verdict.wrong.append(f"{name} has {ticket.attempts} attempts")


def _claim_of(ticket: Ticket) -> str:
    return f"claimed by {ticket.claimed_by}, attempts {ticket.attempts}, alone {ticket.solo}"


def _check_answers(
    verdict: Verdict,
    tickets: list[Ticket],
    answers: list[tuple[int, int, str]],
    corrections: list[Correction],
) -> None:
    """Each round has one answer, or a person's decision; never of a unit that returned it."""
    of_round: dict[tuple[int, int], list[str]] = defaultdict(list)
    for ticket_id, round_, unit in answers:
        of_round[ticket_id, round_].append(unit)
    decided = {(c.ticket_id, c.round) for c in corrections if c.how != "return"}
    refused: dict[int, list[tuple[int, str | None]]] = defaultdict(list)
    for correction in corrections:
        if correction.how == "return":
            refused[correction.ticket_id].append((correction.round, correction.from_unit))
    for ticket in tickets:
        name = f"{ticket.source}/{ticket.external_id}"
        for round_ in range(ticket.round + 1):
            found = of_round.pop((ticket.id, round_), [])
            if len(found) > 1:
                verdict.double.append(f"{name} has {len(found)} answers in round {round_}")
            is_open = round_ == ticket.round and (
                ticket.status in (Status.QUEUED, Status.DEAD)
                or (ticket.status == Status.REVIEW and len(refused[ticket.id]) >= MOST_RETURNS)
            )
            if not found and (ticket.id, round_) not in decided and not is_open:
                verdict.wrong.append(f"{name} has no answer in round {round_}")
            gone = {unit for before, unit in refused[ticket.id] if before < round_}
            if gone.intersection(found):
                verdict.wrong.append(f"{name} went again to {found[0]}, which had returned it")
    for ticket_id, round_ in list(of_round)[:_SHOWN]:
        verdict.wrong.append(f"row {ticket_id} has an answer of round {round_}, which never was")


def _check_decisions(
    verdict: Verdict,
    tickets: dict[int, Ticket],
    corrections: list[Correction],
    decided: dict[int, Decided],
) -> None:
    """Every decision of a person is kept, no more, and the newest of the round holds."""
    kept: dict[int, list[tuple[int, str]]] = defaultdict(list)
    returned: dict[int, list[int]] = defaultdict(list)
    for correction in corrections:
        if correction.how == "return":
            returned[correction.ticket_id].append(correction.round)
        else:
            kept[correction.ticket_id].append((correction.round, str(correction.to_unit)))
    for ticket_id, mine in decided.items():
        ticket = tickets[ticket_id]
        name = f"{ticket.source}/{ticket.external_id}"
        if kept.pop(ticket_id, []) != mine.decisions:
            verdict.wrong.append(f"{name}: other decisions are kept than {mine.decisions}")
        if returned.pop(ticket_id, []) != mine.returned:
            verdict.wrong.append(f"{name}: other returns are kept than of {mine.returned}")
        present = [unit for round_, unit in mine.decisions if round_ == ticket.round]
        if present and (ticket.status, ticket.unit_code) != (Status.ROUTED, present[-1]):
            verdict.wrong.append(
                f"{name} is {ticket.status} to {ticket.unit_code}; a person said {present[-1]}"
            )
    for ticket_id in [*kept, *returned][:_SHOWN]:
        verdict.wrong.append(f"nobody decided about row {ticket_id}")


def _check_redis(verdict: Verdict, world: World) -> None:
    for what, count in redis_rest(world).items():
        if count:
            verdict.wrong.append(f"Redis still has {count} of {what}")


def redis_rest(world: World) -> dict[str, int]:
    """Return what is left in Redis of lanes, unacknowledged messages and the stream."""
    with world.redis.client() as client:
        rest: dict[str, Any] = {queue_name(lane): client.llen(queue_name(lane)) for lane in LANES}
        rest[UNACKED] = client.hlen(UNACKED)
        rest[UNACKED_INDEX] = client.zcard(UNACKED_INDEX)
        rest[INGEST_STREAM] = client.xlen(INGEST_STREAM)
    rest["pending entries"] = pending_entries(world)
    return {name: int(count) for name, count in rest.items()}
