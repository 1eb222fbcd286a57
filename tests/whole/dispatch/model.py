"""What the record should say: the delivery contract as a few lines of plain Python.

``tests/whole/test_dispatch.py`` does the same to this model and to the database, and compares.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

MAX_ATTEMPTS = 3


@dataclass(slots=True)
class Expected:
    """One ticket as it should stand."""

    id: int
    lane: str
    priority: int
    status: str = "queued"
    round: int = 0
    unit: str | None = None
    attempts: int = 0
    alone: bool = False
    token: str | None = None
    worker: str | None = None
    is_expired: bool = False
    answers: dict[int, str] = field(default_factory=dict)
    # (round, how, from unit, to unit)
    decisions: list[tuple[int, str, str | None, str | None]] = field(default_factory=list)

    @property
    def is_claimable(self) -> bool:
        """Whether it waits for a worker."""
        return self.status == "queued" and self.token is None

    @property
    def order(self) -> tuple[int, int]:
        """Its place among tickets of its kind."""
        return self.priority, self.id

    @property
    def refused(self) -> set[str | None]:
        """The units that returned it."""
        return {before for _, how, before, _ in self.decisions if how == "return"}

    @property
    def is_decided(self) -> bool:
        """Whether a person decided in this round."""
        return any(round_ == self.round and how != "return" for round_, how, _, _ in self.decisions)

    def free(self) -> None:
        """End the claim."""
        self.token = self.worker = None
        self.is_expired = False

    def end_attempt(self) -> None:
        """End the attempt as failed: alone from now on, or dead."""
        self.free()
        self.alone = True
        if self.attempts >= MAX_ATTEMPTS:
            self.status = "dead"


class Expectation:
    """All tickets as they should stand."""

    def __init__(self) -> None:
        self.tickets: dict[int, Expected] = {}

    def claimable(self, *, alone: bool | None = None, lane: str | None = None) -> list[Expected]:
        """Tickets that wait, by priority and age."""
        found = [
            ticket
            for ticket in self.tickets.values()
            if ticket.is_claimable
            and (alone is None or ticket.alone == alone)
            and lane in (None, ticket.lane)
        ]
        return sorted(found, key=lambda ticket: ticket.order)

    def next_batch(self, own: Collection[int], lane: str, most: int) -> list[int]:
        """What a claim should take: live ones, then the message's own, then the lane's."""
        steps = [
            self.claimable(alone=False, lane="live"),
            [ticket for ticket in self.claimable(alone=False) if ticket.id in own],
            self.claimable(alone=False, lane=lane),
        ]
        return list(dict.fromkeys(ticket.id for step in steps for ticket in step))[:most]

    def next_alone(self) -> list[int]:
        """What a claim of a solo ticket should take: live first, then the one with least tries."""
        waiting = self.claimable(alone=True)
        waiting.sort(key=lambda ticket: (ticket.lane != "live", ticket.attempts, ticket.id))
        return [ticket.id for ticket in waiting[:1]]

    def claim(self, ids: Iterable[int], token: str, worker: str) -> None:
        """Mark tickets as claimed; the attempt counts from now on."""
        for ticket_id in ids:
            ticket = self.tickets[ticket_id]
            ticket.token, ticket.worker = token, worker
            ticket.attempts += 1

    def under(self, token: str) -> list[Expected]:
        """The tickets that a claim still holds."""
        return [ticket for ticket in self.tickets.values() if ticket.token == token]
