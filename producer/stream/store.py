"""Storing a batch of the stream: a ticket that the database refuses takes no other with it."""

import time
from collections.abc import Sequence
from uuid import uuid4

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from core.errors import DATABASE_FAULTS, RecordRefusedError
from db import tickets
from db.tickets import NewTicket
from producer.stream.entry_outcome import EntryOutcome
from producer.submit import SubmitResult, Submitter
from producer.tickets.outcome import Reject


class BatchStore:
    """Submits batches.

    Args:
        submitter: the way into the database and the lanes.
        pause: seconds without publishing, after Redis did not take messages: a sweep of the relay
            publishes what was stored.
    """

    def __init__(self, submitter: Submitter, pause: float) -> None:
        self.submitter = submitter
        self.pause = pause
        self._publish_from = 0.0

    def add(self, batch: Sequence[EntryOutcome]) -> SubmitResult:
        """Store the tickets; make a reject of each that the database refuses for its own sake.

        A batch that fails is stored in halves, so the ticket at fault takes no other with it.

        Raises:
            DatabaseUnavailableError, StorageError: the database failed.
            Exception: the database refuses every ticket.
        """
        result = SubmitResult()
        publishes = time.monotonic() >= self._publish_from
        if not publishes:
            result.unpublished = "Redis did not take messages lately"
        parts = [[item for item in batch if item.ticket is not None]]
        while parts:
            part = parts.pop()
            try:
                self.submitter.submit((i.ticket for i in part if i.ticket is not None), result)
            except (*DATABASE_FAULTS, RedisError):
                raise
            except Exception as error:
                parts += self._halves(part, error)
        if publishes and result.unpublished:
            self._publish_from = time.monotonic() + self.pause
        return result

    def _halves(self, part: list[EntryOutcome], error: Exception) -> list[list[EntryOutcome]]:
        """Return the halves of a part that was refused, the first half last; reject a ticket alone.

        Raises:
            Exception: the error, if every ticket would be refused.
        """
        half = len(part) // 2
        if half:
            return [part[half:], part[:half]]
        if not self._database_works():
            raise error
        reason = f"the database refuses it ({type(error).__name__})"
        part[0].outcome = Reject(0, "entry", reason, {})
        return []

    def _database_works(self) -> bool:
        """Whether the database takes a plain ticket; nothing is stored."""
        plain = NewTicket(source="paidan", external_id=uuid4().hex, text="plain")
        try:
            with self.submitter.database.reading() as session:
                tickets.insert(session, [plain])
        except (*DATABASE_FAULTS, RecordRefusedError, SQLAlchemyError):
            return False
        return True
