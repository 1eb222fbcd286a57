"""The relay: one small loop that lets no ticket wait unseen, whatever Redis or a worker lost.

Each sweep frees expired claims. It also publishes again the waiting tickets of each *dry* lane: one
whose queue in Redis is empty. Where no ticket waits, it has a worker answer in the shadow. Once an
hour it looks whether the champion's tickets have changed. Between two sweeps the relay takes in the
stream ``tickets.ingest``. A fault of one step leaves the others alone: a full Redis refuses
messages, but lets itself be emptied. Any number of relays may run: everything they do is harmless
when done twice.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from redis.exceptions import RedisError, ResponseError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from core.broker import LANES
from core.errors import DATABASE_FAULTS, BrokerUnavailableError, RecordRefusedError
from core.publisher import Publisher
from core.settings import Settings
from db import claims, shadow
from db.models import Ticket
from db.session import Database
from producer.drift_watch import DriftWatch
from producer.steps import Steps
from producer.stream.ingest import Ingest
from producer.submit import Submitter
from producer.tickets.rules import load_rules

logger = logging.getLogger(__name__)

# Messages a sweep sends into a dry lane: at 256 ids each, enough for 3,000 tickets a second.
_MESSAGES_A_SWEEP = 64
# Faults that may pass by themselves: a server restarts, somebody frees the disk or makes room.
_PASSING = (
    BrokerUnavailableError,
    *DATABASE_FAULTS,
    RecordRefusedError,
    RedisError,
    SQLAlchemyError,
)
_PAUSE_S = 1.0

_DATABASE, _REDIS = "reach the database", "reach Redis"
_FREE, _INGEST = "free expired claims", "take in the stream"
_DRIFT = "look for drift"
_SHADOW = "ask for answers in the shadow"


class Relay:
    """Sweeps and ingests until told to stop.

    Args:
        database: the record.
        publisher: the way to the lanes.
        settings: intervals and limits.
    """

    def __init__(self, database: Database, publisher: Publisher, settings: Settings) -> None:
        self.database = database
        self.publisher = publisher
        self.settings = settings
        submitter = Submitter(database, publisher, load_rules(settings.rules_file))
        # The name stays the same: else the group would keep a consumer of each past process. Relays
        # of one host may share it, for no entry is given out twice.
        self._ingest = Ingest(publisher.redis, submitter, settings, socket.gethostname())
        self._drift = DriftWatch(database)
        self._steps = Steps()
        self._free_from = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Sweep every ``relay_sweep`` seconds until ``stop`` is set; faults are waited out."""
        pause = min(_PAUSE_S, self.settings.relay_sweep)
        next_sweep = time.monotonic()
        while not stop.is_set():
            if time.monotonic() >= next_sweep:
                self.sweep()
                next_sweep = time.monotonic() + (
                    pause if self._unreachable else self.settings.relay_sweep
                )
            if self._unreachable or not self._try(_INGEST, lambda: self._ingest.take_batch(pause)):
                stop.wait(pause)
        self._ingest.close()

    @property
    def _unreachable(self) -> bool:
        """Whether database or Redis could not be reached when they were last tried."""
        return self._steps.failing(_DATABASE) or self._steps.failing(_REDIS)

    def sweep(self) -> dict[str, int]:
        """Free expired claims, then publish the waiting tickets of dry lanes; return the counts.

        A step that fails counts nothing and keeps no other from being tried. Where a server cannot
        be reached at all, the steps that need it are left out: each would wait for a timeout.
        """
        counts = {"freed": 0, "dead": 0, **dict.fromkeys(LANES, 0)}
        database = self._try(_DATABASE, self._reach_database)
        if database and time.monotonic() >= self._free_from:
            self._try(_FREE, lambda: counts.update(self._free()))
        if self._try(_REDIS, self._reach_redis) and database:
            for lane in LANES:
                self._try(f"publish {lane}", partial(self._refill, lane, counts))
            if not any(counts[lane] for lane in LANES):
                self._try(_SHADOW, self._ask_shadow)
        if database and self._drift.is_due:  # last: tickets come first
            self._try(_DRIFT, self._drift.look)
        if any(counts.values()):
            logger.info("swept", extra={"action": "relay.swept", **counts})
        return counts

    def _try(self, step: str, action: Callable[[], object]) -> bool:
        """Do one step and return whether it worked; its fault is logged and stays its own."""
        lasting = self._steps.failing(step)
        try:
            action()
        except _PASSING as error:
            self._steps.failed(step, error)
            if isinstance(error, DATABASE_FAULTS) and (step in (_DATABASE, _FREE) or not lasting):
                # Claims ran out while the database was away: let workers that live give them
                # back with their attempt before they are taken for dead.
                self._free_from = time.monotonic() + 2 * self.settings.heartbeat
            return False
        self._steps.worked(step)
        return True

    def _reach_database(self) -> None:
        with self.database.reading() as session:
            session.scalar(select(Ticket.id).limit(1))

    def _reach_redis(self) -> None:
        with suppress(ResponseError):  # Redis answers; each step finds out what it refuses
            self._ingest.redis.ping()

    def _free(self) -> dict[str, int]:
        with self.database.writing() as session:
            freed, dead = claims.free_expired(session, max_attempts=self.settings.max_attempts)
        return {"freed": freed, "dead": len(dead)}

    def _ask_shadow(self) -> None:
        """Have a worker answer in the shadow, where it may and no ticket waits."""
        with self.database.reading() as session:
            if claims.any_waits(session) or not shadow.is_due(session):
                return
        if not any(map(self.publisher.depth, LANES)):
            self.publisher.ask_shadow()

    def _refill(self, lane: str, counts: dict[str, int]) -> None:
        """Publish a dry lane's waiting tickets. In any other lane its messages lead to them all.

        Only rows that were queued a sweep ago are published: whoever committed younger ones is
        publishing them.
        """
        if self.publisher.depth(lane) > 0:
            return
        with self.database.reading() as session:
            ids = claims.waiting(
                session,
                lane,
                seconds=self.settings.relay_sweep,
                limit=_MESSAGES_A_SWEEP * self.settings.message_ids,
            )
        counts[lane] = self.publisher.publish({lane: ids})
