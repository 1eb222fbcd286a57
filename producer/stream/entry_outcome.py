"""What came of an entry: a ticket, or a reject."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from db.tickets import NewTicket
from producer.stream.entries import Entry
from producer.stream.reject_words import reject_words
from producer.submit import SubmitResult
from producer.tickets.outcome import Reject


@dataclass(slots=True)
class EntryOutcome:
    """An entry, and what it was read as; a ticket that is not stored becomes a reject."""

    entry: Entry
    outcome: NewTicket | Reject

    @property
    def ticket(self) -> NewTicket | None:
        """The ticket, None if the entry is rejected."""
        return self.outcome if isinstance(self.outcome, NewTicket) else None

    def forget(self) -> None:
        """Make a reject of a ticket that was erased; of what came in, its ids alone are kept."""
        if self.ticket is not None:
            fields = {
                b"source": self.ticket.source.encode(),
                b"external_id": self.ticket.external_id.encode(),
            }
            self.entry = replace(self.entry, fields=fields)
            self.outcome = Reject(0, "external_id", "its ticket was erased", {})

    def words(self) -> Sequence[bytes]:
        """Return names and values of the reject, none for a ticket."""
        reject = self.outcome
        if isinstance(reject, NewTicket):
            return ()
        given = reject.row.get("external_id")
        external_id = str(given) if isinstance(given, str | int) else None
        return reject_words(self.entry, f"{reject.field}: {reject.reason}", external_id)


def reject_unstored(batch: Sequence[EntryOutcome], result: SubmitResult) -> None:
    """Make rejects of the tickets that a store left out: known with another text, or erased."""
    conflicts = {(t.source, t.external_id, t.text) for t in result.conflicts}
    erased = {(r.ticket.source, r.ticket.external_id) for r in result.refused}
    for item in batch:
        ticket = item.ticket
        if ticket is None:
            continue
        if (ticket.source, ticket.external_id) in erased:
            item.forget()
        elif (ticket.source, ticket.external_id, ticket.text) in conflicts:
            reason = "stored already with another text"
            row = {"external_id": ticket.external_id}
            item.outcome = Reject(0, "external_id", reason, row)
