"""Taking tickets from the stream: store, then acknowledge, then keep what Redis did not take.

An entry is acknowledged after its row is committed. A killed relay reads it again, and the unique
external id makes that harmless.
"""

import logging
from collections.abc import Sequence

from redis import Redis
from redis.exceptions import ResponseError

from core.faults import describe
from core.settings import Settings
from producer.stream.acknowledgement import acknowledge
from producer.stream.client import bytes_client
from producer.stream.consumer import Consumer
from producer.stream.entries import Entry, FetchLimits
from producer.stream.entry_outcome import EntryOutcome, reject_unstored
from producer.stream.entry_ticket import EntryReader
from producer.stream.rejects import MOST_REJECTS, Rejects
from producer.stream.store import BatchStore
from producer.submit import Submitter
from producer.tickets.outcome import Reject

logger = logging.getLogger(__name__)

_BATCH = 500
_BATCH_BYTES = 8 * 1024 * 1024


class Ingest:
    """Takes the stream in, batch by batch.

    Args:
        redis: a client of the server; the stream gets connections of its own.
        submitter: the way into the database and the lanes.
        settings: limits, the time zone and the relay's pause.
        name: of the consumer; relays of one host may share it.
    """

    def __init__(self, redis: Redis, submitter: Submitter, settings: Settings, name: str) -> None:
        self.redis = bytes_client(redis)
        self.reader = EntryReader(settings)
        limits = FetchLimits(_BATCH, _BATCH_BYTES, self.reader.largest)
        self.consumer = Consumer(self.redis, name, limits)
        self.rejects = Rejects(self.redis)
        self._store = BatchStore(submitter, settings.relay_sweep)
        self._unfinished: list[Entry] = []  # read, and then Redis or the database failed
        self._trimmed = False

    def take_batch(self, wait: float) -> int:
        """Take in one batch, waiting up to ``wait`` seconds for it; return its size.

        Raises:
            RedisError: Redis cannot be reached, or refuses to read or to acknowledge.
            DatabaseUnavailableError, StorageError: the database failed. The batch is not finished,
                and the next call begins with it.
        """
        self._tend_rejects()
        if not self._unfinished:
            self._unfinished = self.consumer.wait(wait)
        count = len(self._unfinished)
        if count:
            self._take_in(self._unfinished)
            self._unfinished = []
        return count

    def close(self) -> None:
        """Write what rejects wait; to be called when no batch follows."""
        self.rejects.close()

    def _tend_rejects(self) -> None:
        """Write rejects that wait. What Redis has against it must not hold tickets up."""
        try:
            if not self._trimmed:
                self._trimmed = True
                self.rejects.trim()
            self.rejects.write_waiting()
        except ResponseError as error:
            logger.warning(
                "rejects are not kept",
                extra={"action": "rejects.failed", "error": describe(error)},
            )

    def _take_in(self, entries: list[Entry]) -> None:
        """Commit the tickets; then acknowledge all entries and keep the rejects, in one script."""
        batch = [EntryOutcome(entry, self.reader.read(entry)) for entry in entries]
        result = self._store.add(batch)
        reject_unstored(batch, result)
        for item in batch:
            if isinstance(item.outcome, Reject):
                # The field alone: the reason may quote what a citizen wrote.
                entry, field = item.entry.id, item.outcome.field
                logger.warning(
                    "rejected a stream entry",
                    extra={"action": "entry.rejected", "entry": entry, "field": field},
                )
        rejects: list[tuple[str, Sequence[bytes]]] = [(i.entry.id, i.words()) for i in batch]
        faults = acknowledge(self.redis, rejects, most_rejects=MOST_REJECTS)
        self.rejects.add_unkept(faults, rejects)
        logger.info(
            "ingested",
            extra={"action": "entries.ingested", "entries": len(entries), "added": result.added},
        )
