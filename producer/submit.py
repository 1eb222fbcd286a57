"""Submit: tickets become rows, then messages. Once ``submit`` returns, no ticket can be lost."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.errors import BrokerUnavailableError
from core.faults import describe
from core.publisher import Publisher
from core.settings import Settings, get_settings
from db import Database, open_database, tickets
from db.tickets import NewTicket
from producer.tickets.checks import check_ticket
from producer.tickets.rules import Rule, load_rules, prioritise
from producer.tickets.scalars import FieldError

logger = logging.getLogger(__name__)

# Rows a transaction: large enough to be quick, small enough that another producer gets its turn.
CHUNK = 1000
_ERASED = "the ticket of this id was erased; it is not stored again"


@dataclass(frozen=True, slots=True)
class Refused:
    """A ticket that was not taken: which field is wrong and why."""

    ticket: NewTicket
    field: str
    reason: str


@dataclass(slots=True)
class SubmitResult:
    """What became of the tickets.

    Attributes:
        added: rows written now.
        known: rows there before (same source, external id and text).
        conflicts: whose external id was there before with another text; nothing was written.
        ids: of the added and the known rows.
        refused: what is no ticket, or was erased before, each with the reason; the others are in.
        unpublished: why messages could not be sent, if so; the relay sends them later.
    """

    added: int = 0
    known: int = 0
    conflicts: list[NewTicket] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    unpublished: str | None = None


class Submitter:
    """Keeps database, publisher and rules between calls."""

    def __init__(self, database: Database, publisher: Publisher, rules: tuple[Rule, ...]) -> None:
        self.database = database
        self.publisher = publisher
        self.rules = rules
        self._publishes = True

    @classmethod
    def from_settings(cls, settings: Settings) -> "Submitter":
        """Open what the settings name."""
        rules = load_rules(settings.rules_file)
        return cls(open_database(settings), Publisher(settings), rules)

    def close(self) -> None:
        """Close the connections to database and Redis."""
        self.database.engine.dispose()
        self.publisher.close()

    def submit(self, new: Iterable[NewTicket], into: SubmitResult | None = None) -> SubmitResult:
        """Write the tickets in transactions of ``CHUNK`` rows and publish each after its commit.

        Args:
            new: the tickets.
            into: an earlier call's result to go on with; once Redis could not be reached, the
                relay gets the rest too.

        Raises:
            DatabaseUnavailableError: the database failed; chunks before it are in.
        """
        result = SubmitResult() if into is None else into
        chunk: list[NewTicket] = []
        for ticket in new:
            try:
                check_ticket(ticket, max_chars=self.publisher.settings.max_ticket_chars)
            except FieldError as error:
                result.refused.append(Refused(ticket, error.field, str(error)))
                continue
            chunk.append(prioritise(ticket, self.rules))
            if len(chunk) == CHUNK:
                self._submit_chunk(chunk, result)
                chunk = []
        if chunk:
            self._submit_chunk(chunk, result)
        return result

    def _submit_chunk(self, chunk: list[NewTicket], result: SubmitResult) -> None:
        with self.database.writing() as session:
            inserted = tickets.insert(session, chunk)
        result.added += sum(len(ids) for ids in inserted.ids.values())
        result.known += inserted.known
        result.conflicts += inserted.conflicts
        result.refused += [Refused(t, "external_id", _ERASED) for t in inserted.erased]
        result.ids += inserted.all_ids
        if result.unpublished is not None:
            return  # one attempt is enough: the relay has the rest
        try:
            self.publisher.publish(inserted.ids)
        except BrokerUnavailableError as error:
            if self._publishes:  # a relay would say it of each batch, for as long as it lasts
                logger.warning(
                    "tickets are stored, not published: the relay will: %s",
                    describe(error),
                    extra={"action": "publish.failed"},
                )
            self._publishes = False
            result.unpublished = str(error)
        else:
            self._publishes = True


def submit(new: Iterable[NewTicket], settings: Settings | None = None) -> SubmitResult:
    """Submit tickets to the configured database and queue; see ``Submitter.submit``."""
    submitter = Submitter.from_settings(settings or get_settings())
    try:
        return submitter.submit(new)
    finally:
        submitter.close()
