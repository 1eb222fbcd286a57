"""The producer of a siege: a ticket at each tick of its own clock, pushed until it is taken."""

import threading
import time

from core.errors import DATABASE_FAULTS
from core.publisher import Publisher
from db import Database
from db.tickets import NewTicket
from producer import Submitter
from tests.whole.chaos_training.stack import Stack

SOURCE = "siege"
_RETRY_S = 0.2


class Producer(threading.Thread):
    """Submits tickets one by one, and one that is refused again.

    Attributes:
        pushed: tickets that were taken; their external ids are the numbers below.
        refused: how often a push was refused.
        known: refused ones that were stored all the same: only the answer was lost.
        unpublished: taken ones that were left to the relay, since Redis was away.
    """

    def __init__(self, stack: Stack) -> None:
        super().__init__(name="producer", daemon=True)
        self._stack = stack
        self.pushed = 0
        self.refused = 0
        self.known = 0
        self.unpublished = 0

    def run(self) -> None:
        stack = self._stack
        database = Database(stack.settings.resolved_database_url)
        submitter = Submitter(database, Publisher(stack.settings), ())
        due = time.monotonic()
        while not stack.over.wait(max(0.0, due - time.monotonic())):
            self._push(submitter)
            due += stack.plan.every
        submitter.close()

    def _push(self, submitter: Submitter) -> None:
        number = str(self.pushed)
        ticket = NewTicket(
            external_id=number, source=SOURCE, text=f"{number} 号路灯坏了", lane="live"
        )
        while not self._stack.ended.is_set():
            try:
                result = submitter.submit([ticket])
            except DATABASE_FAULTS:
                self.refused += 1
                self._stack.ended.wait(_RETRY_S)
            except Exception as error:
                self._stack.find(f"a push raised {type(error).__name__}: {str(error)[:200]}")
                self._stack.ended.wait(_RETRY_S)
            else:
                self.pushed += 1
                self.known += result.known
                self.unpublished += result.unpublished is not None
                return
