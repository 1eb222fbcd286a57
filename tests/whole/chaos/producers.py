"""The producers of a run: one that submits, one that only reaches Redis. Neither gives up."""

import random
import threading
import time
from dataclasses import dataclass

from redis.exceptions import RedisError
from sqlalchemy import select

from core.broker import INGEST_STREAM
from core.errors import DatabaseUnavailableError, StorageError
from core.publisher import Publisher
from db import Database
from db.models import Ticket
from db.tickets import NewTicket
from producer import Submitter
from tests.whole.chaos.world import World

SUBMITTED, STREAMED = "chaos", "stream"
_RETRY_S = 0.3
_LOOK_EVERY_S = 1.0


def text_of(source: str, external_id: str) -> str:
    """Return the text of a ticket, of which nobody else's is a part."""
    return f"{source} {external_id}：路灯坏了"


class Submitting(threading.Thread):
    """Submits chunks of bulk tickets and single live ones; an error means: the same again."""

    def __init__(self, world: World) -> None:
        super().__init__(name="submitting", daemon=True)
        self.world = world
        self.ids: set[str] = set()
        self.errors = 0
        self._rng = random.Random(f"{world.plan.seed}:submitting")

    def run(self) -> None:
        world = self.world
        submitter = Submitter(Database(world.settings.resolved_database_url), _publisher(world), ())
        while world.producing.is_set():
            if world.queued < world.backlog_target:
                self._submit(submitter, self._chunk())
            world.ended.wait(self._rng.uniform(0.05, 0.4))
        submitter.close()

    def _chunk(self) -> list[NewTicket]:
        live = self._rng.random() < 0.5
        count = self._rng.randint(1, 3) if live else self._rng.randint(10, 200)
        first = len(self.ids)
        chunk = [
            NewTicket(
                source=SUBMITTED,
                external_id=f"s{number}",
                text=text_of(SUBMITTED, f"s{number}"),
                lane="live" if live else "bulk",
                priority=self._rng.randint(1, 5),
            )
            for number in range(first, first + count)
        ]
        self.ids.update(ticket.external_id for ticket in chunk)
        return chunk

    def _submit(self, submitter: Submitter, chunk: list[NewTicket]) -> None:
        while not self.world.ended.is_set():
            try:
                submitter.submit(chunk)
            except (DatabaseUnavailableError, StorageError):
                self.errors += 1
            except Exception as error:
                self.errors += 1
                self.world.find(f"submit raised {type(error).__name__}: {str(error)[:200]}")
            else:
                return
            self.world.ended.wait(_RETRY_S)


def _publisher(world: World) -> Publisher:
    return Publisher(world.settings)


@dataclass(slots=True)
class Sent:
    """An entry that Redis acknowledged, and when (monotonic)."""

    external_id: str
    at: float


class Streaming(threading.Thread):
    """Adds entries to the stream, and sends again what Redis lost with its data: nothing else."""

    def __init__(self, world: World) -> None:
        super().__init__(name="streaming", daemon=True)
        self.world = world
        self.ids: set[str] = set()
        self.sent_again = 0
        self.refused = 0
        self._unseen: dict[str, Sent] = {}
        self._rng = random.Random(f"{world.plan.seed}:streaming")
        self._looked = 0.0

    @property
    def is_done(self) -> bool:
        """Whether every entry was seen in the database."""
        return not self.world.producing.is_set() and not self._unseen

    def run(self) -> None:
        world = self.world
        while not world.ended.is_set():
            if world.producing.is_set() and world.queued < world.backlog_target:
                for _ in range(self._rng.randint(1, 20)):
                    external_id = f"x{len(self.ids)}"
                    self.ids.add(external_id)
                    self._send(external_id)
            if time.monotonic() > self._looked + _LOOK_EVERY_S:
                self._look()
                self._looked = time.monotonic()
            world.ended.wait(self._rng.uniform(0.1, 0.6))

    def _send(self, external_id: str) -> None:
        fields = {
            "external_id": external_id,
            "text": text_of(STREAMED, external_id),
            "lane": self._rng.choice(("live", "bulk")),
        }
        self._unseen[external_id] = Sent(external_id, float("inf"))
        while not self.world.ended.is_set():
            try:
                with self.world.redis.client() as client:
                    client.xadd(INGEST_STREAM, fields)
            except (RedisError, OSError):
                self.refused += 1
                self.world.ended.wait(_RETRY_S)
            else:
                self._unseen[external_id] = Sent(external_id, time.monotonic())
                return

    def _look(self) -> None:
        """See what arrived, and send again what was lost and did not."""
        losses = list(self.world.losses)
        now = time.monotonic()
        waiting = list(self._unseen)[:1000]
        if not waiting:
            return
        query = select(Ticket.external_id).where(
            Ticket.source == STREAMED, Ticket.external_id.in_(waiting)
        )
        try:
            with self.world.database.reading() as session:
                seen = set(session.scalars(query))
        except DatabaseUnavailableError:
            return
        for external_id in waiting:
            if external_id in seen:
                del self._unseen[external_id]
            elif self._was_lost(self._unseen[external_id], losses, now):
                self.sent_again += 1
                self._send(external_id)

    def _was_lost(self, sent: Sent, losses: list[tuple[float, float]], now: float) -> bool:
        return any(begin <= sent.at <= end < now for begin, end in losses)
