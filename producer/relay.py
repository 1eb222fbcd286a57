"""The relay: one small loop that lets no ticket wait unseen, whatever Redis or a worker lost.

Each sweep frees expired claims and publishes again what waits in a lane that has run dry; in
between it takes in the stream ``tickets.ingest``. Any number of relays may run: everything they do
is harmless when done twice.
"""

import logging
import socket
import threading
import time

from redis.exceptions import RedisError

from db import claims
from db.session import Database
from paidan.broker import LANES
from paidan.errors import BrokerUnavailableError, DatabaseUnavailableError, StorageError
from paidan.faults import describe
from paidan.publisher import Publisher
from paidan.settings import Settings
from producer.ingest import Ingest
from producer.rules import load_rules
from producer.submit import Submitter

logger = logging.getLogger(__name__)

# Messages a sweep sends into a dry lane: at 256 ids each, enough for 3,000 tickets a second.
_MESSAGES_A_SWEEP = 64
# What may pass by itself: a server restarts, somebody frees the disk.
_PASSING = (BrokerUnavailableError, DatabaseUnavailableError, StorageError, RedisError)


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
        # A name that stays: a consumer of each past process would be left in the group. Relays of
        # one host may share it, for no entry is given out twice.
        self._ingest = Ingest(publisher.redis, submitter, settings, socket.gethostname())
        self._free_from = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Sweep every ``relay_sweep`` seconds until ``stop`` is set; faults are waited out."""
        next_sweep = time.monotonic()
        while not stop.is_set():
            try:
                if time.monotonic() >= next_sweep:
                    self.sweep()
                    next_sweep = time.monotonic() + self.settings.relay_sweep
                self._ingest.step(min(1.0, self.settings.relay_sweep))
            except _PASSING as error:
                logger.warning("waiting for database and Redis: %s", describe(error))
                if isinstance(error, DatabaseUnavailableError | StorageError):
                    # Claims ran out while the database was away: let workers that live give them
                    # back with their attempt before they are taken for dead.
                    self._free_from = time.monotonic() + 2 * self.settings.heartbeat
                next_sweep = time.monotonic()
                stop.wait(1.0)

    def sweep(self) -> dict[str, int]:
        """Free expired claims, then publish what waits in dry lanes; return the counts."""
        freed, dead = 0, list[int]()
        if time.monotonic() >= self._free_from:
            with self.database.writing() as session:
                freed, dead = claims.free_expired(session, max_attempts=self.settings.max_attempts)
        published = {lane: self._refill(lane) for lane in LANES}
        counts = {"freed": freed, "dead": len(dead), **published}
        if any(counts.values()):
            logger.info("swept", extra=counts)
        return counts

    def _refill(self, lane: str) -> int:
        """Publish what waits in a dry lane. A lane with messages needs none: they lead to it all.

        Only rows that were queued a sweep ago: younger ones are being published by whoever
        committed them.
        """
        if self.publisher.depth(lane) > 0:
            return 0
        with self.database.reading() as session:
            ids = claims.waiting(
                session,
                lane,
                seconds=self.settings.relay_sweep,
                limit=_MESSAGES_A_SWEEP * self.settings.message_ids,
            )
        return self.publisher.publish({lane: ids})
