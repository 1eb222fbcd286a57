"""A file's tickets on their way into the record."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from core.errors import BrokerUnavailableError, InputError
from paidan.cli.rejects import Rejects

if TYPE_CHECKING:
    from db.tickets import NewTicket
    from paidan.progress.push import PushProgress
    from producer.submit import Refused, Submitter
    from producer.tickets.outcome import Reject


class Submission:
    """Submits tickets chunk by chunk, so that a long file is on its way while it is being read.

    Args:
        submitter: writes them into the record.
        refused: takes the rows that cannot be submitted.

    Attributes:
        result: what was submitted so far.
        answered: after ``wait``, how many tickets are routed, in review or dead.
    """

    def __init__(self, submitter: "Submitter", refused: Rejects) -> None:
        from producer.submit import SubmitResult

        self._submitter = submitter
        self._refused = refused
        self._chunk: list[tuple[int, NewTicket]] = []
        self.result = SubmitResult()
        self.answered: Counter[str] = Counter()

    def submit(
        self, items: "Iterable[tuple[int, NewTicket | Reject]]", progress: "PushProgress"
    ) -> None:
        """Submit the tickets among the items, each with its line.

        Raises:
            InputError: the file breaks off; what was read before is submitted.
        """
        from producer.submit import CHUNK
        from producer.tickets.outcome import Reject

        try:
            for line, item in items:
                if isinstance(item, Reject):
                    self._refused.add(line, item.field, item.reason, item.row)
                    continue
                self._chunk.append((line, item))
                if len(self._chunk) == CHUNK:
                    self._flush(progress)
        except InputError:
            self._flush(progress)
            if self.result.ids:
                told = f"{self.result.added:,} tickets before the fault were submitted"
                click.echo(told, err=True)
            raise
        self._flush(progress)

    def wait(self, progress: "PushProgress") -> None:
        """Wait until every submitted ticket is answered.

        Raises:
            BrokerUnavailableError: some are stored and could not be published.
        """
        if not self.result.ids:
            return
        if self.result.unpublished:
            raise BrokerUnavailableError(f"stored, but not on its way: {self.result.unpublished}")
        self.answered = progress.wait(self._submitter.database, self.result.ids)

    def _flush(self, progress: "PushProgress") -> None:
        if not self._chunk:
            return
        result = self.result
        self._submitter.submit([ticket for _, ticket in self._chunk], result)
        self._refuse_conflicts(result.conflicts)
        self._refuse_erased(result.refused)
        result.conflicts.clear()
        result.refused.clear()
        self._chunk.clear()
        progress.submitted(result.added + result.known)

    def _refuse_conflicts(self, conflicts: "list[NewTicket]") -> None:
        known = {(t.source, t.external_id, t.text) for t in conflicts}
        for line, ticket in self._chunk:
            if (ticket.source, ticket.external_id, ticket.text) in known:
                reason = (
                    f"{ticket.external_id!r} is stored already with another text; give the ticket "
                    "another id, or name another --source"
                )
                row = {n: getattr(ticket, n) for n in ("external_id", "title", "text")}
                self._refused.add(line, "external_id", reason, row)

    def _refuse_erased(self, found: "list[Refused]") -> None:
        """Refuse what was erased; the rejects file gets the ids alone."""
        reasons = {(r.ticket.source, r.ticket.external_id): r for r in found}
        for line, ticket in self._chunk:
            why = reasons.get((ticket.source, ticket.external_id))
            if why is not None:
                row = {"source": ticket.source, "external_id": ticket.external_id}
                self._refused.add(line, why.field, why.reason, row)
