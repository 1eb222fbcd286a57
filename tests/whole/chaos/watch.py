"""The watch: looks at the whole every second, and finds who lives and does nothing."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import func, select

from core.broker import INGEST_GROUP, INGEST_STREAM, LANES, queue_name
from core.errors import PaidanError
from db.models import Status, Ticket, Worker
from tests.whole.chaos.world import World

_LOOK_EVERY_S = 1.0
# A part is not judged before it has had time to start: imports, the model, the first connection.
_START_S = 8.0
# A relay takes over what another one read 30 s ago, so an entry may wait so much longer.
_TAKE_OVER_S = 30.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What there was at one moment.

    Attributes:
        queued: tickets to be classified.
        claimable: those of them that nobody has in hand.
        messages: that wait in the lanes.
        unread: stream entries no relay has read, or none has acknowledged.
        first_entry: the id of the stream's oldest entry.
        claims: tickets in hand by worker.
        lives: what a worker's heartbeat row says: when it started, how much it has classified.
    """

    queued: int
    claimable: int
    messages: int
    unread: int
    first_entry: str
    claims: Mapping[str, int]
    lives: Mapping[str, tuple[Any, int]]


def look(world: World) -> Sample:
    """Take a sample.

    Raises:
        PaidanError, RedisError, OSError: a server is away.
    """
    with world.database.reading() as session:
        queued = Ticket.status == Status.QUEUED
        count = select(func.count()).select_from(Ticket)
        claims = session.execute(
            select(Ticket.claimed_by, func.count())
            .where(queued, Ticket.claim_token.is_not(None))
            .group_by(Ticket.claimed_by)
        ).all()
        waiting = session.scalar(count.where(queued)) or 0
        lives = session.execute(select(Worker.name, Worker.started_at, Worker.classified)).all()
    with world.redis.client() as client:
        messages = sum(client.llen(queue_name(lane)) for lane in LANES)
        unread = int(client.xlen(INGEST_STREAM))
        first = client.xrange(INGEST_STREAM, count=1)
    return Sample(
        queued=waiting,
        claimable=waiting - sum(number for _, number in claims),
        messages=messages,
        unread=unread,
        first_entry=str(first[0][0]) if first else "",
        claims={str(name): number for name, number in claims},
        lives={name: (started, classified) for name, started, classified in lives},
    )


@dataclass(slots=True)
class Idle:
    """For how long somebody who could work has not, faults not counted, and the longest ever."""

    seconds: float = 0.0
    longest: float = 0.0
    sign: Any = None
    told: bool = False

    def note(self, sign: Any, *, works: bool, is_judged: bool, passed: float) -> None:
        """Take in a sample; ``sign`` changes whenever something was done."""
        if works or sign != self.sign:
            self.seconds = 0.0
        elif is_judged:
            self.seconds += passed
            self.longest = max(self.longest, self.seconds)
        self.sign = sign


@dataclass(slots=True)
class Idles:
    """Who is watched."""

    workers: dict[str, Idle] = field(default_factory=dict)
    lanes: Idle = field(default_factory=Idle)
    stream: Idle = field(default_factory=Idle)


class Watch(threading.Thread):
    """Notes a finding when a worker or the relays do nothing for ``silent_after`` quiet seconds.

    A second counts while no fault is going on, all of the part's processes live, none is stopped,
    and there is something for it to do: tickets and messages wait that nobody has in hand.
    """

    def __init__(self, world: World) -> None:
        super().__init__(name="watch", daemon=True)
        self.world = world
        self.last: Sample | None = None
        self.idles = Idles(workers={part.name: Idle() for part in world.workers})

    @property
    def longest(self) -> float:
        """The longest time a worker that could take something did not, in seconds."""
        return max(idle.longest for idle in self.idles.workers.values())

    @property
    def silent(self) -> list[str]:
        """Names of the workers that were found silent."""
        return [name for name, idle in self.idles.workers.items() if idle.told]

    def run(self) -> None:
        before = time.monotonic()
        while not self.world.ended.wait(_LOOK_EVERY_S):
            now = time.monotonic()
            try:
                sample = look(self.world)
            except (PaidanError, RedisError, OSError):
                self.last = None
            else:
                self.world.queued = sample.queued
                # A long look is no long silence: this machine was busy.
                self._judge(sample, min(now - before, 2 * _LOOK_EVERY_S))
                self.last = sample
            before = now

    def _judge(self, sample: Sample, passed: float) -> None:
        world = self.world
        quiet = not world.active
        for part in world.workers:
            idle = self.idles.workers[part.name]
            is_judged = (
                quiet
                and sample.claimable > 0
                and sample.messages > 0
                and part.is_whole(since=_START_S)
            )
            idle.note(
                (sample.lives.get(part.name), part.starts),
                works=sample.claims.get(part.name, 0) > 0,
                is_judged=is_judged,
                passed=passed,
            )
            self._tell(idle, part.name, "takes nothing", world.plan.silent_after)
        relays = quiet and all(part.is_whole(since=_START_S) for part in world.relays)
        lanes, stream = self.idles.lanes, self.idles.stream
        dry = sample.claimable > 0 and sample.messages == 0 and not sample.claims
        lanes.note((sample.claimable,), works=not dry, is_judged=relays, passed=passed)
        self._tell(lanes, "relay-1", "publishes nothing", world.plan.silent_after)
        entry = sample.first_entry
        stream.note(entry, works=not entry, is_judged=relays, passed=passed)
        late = world.plan.silent_after + _TAKE_OVER_S
        self._tell(stream, "relay-1", "does not take in the stream", late)

    def _tell(self, idle: Idle, part: str, what: str, after: float) -> None:
        if idle.seconds >= after and not idle.told:
            idle.told = True
            self.world.find(
                f"{part} is silent: it lives and {what} for {idle.seconds:.0f} s without a fault; "
                f"its log ends:\n{self.world.log_tail(part)}"
            )


def pending_entries(world: World) -> int:
    """Return how many stream entries a relay has read and not acknowledged."""
    with world.redis.client() as client:
        if not client.exists(INGEST_STREAM):
            return 0
        groups = [group["name"] for group in client.xinfo_groups(INGEST_STREAM)]
        if INGEST_GROUP.encode() not in groups:
            return 0
        return int(client.xpending(INGEST_STREAM, INGEST_GROUP)["pending"])
