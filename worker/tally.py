"""What a worker process has done so far, for its heartbeat."""

import time
from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Counts of this process since it started. The loop writes them, the heartbeat reads them.

    Attributes:
        classified: tickets whose answer was stored.
        stored_at: when the last batch was stored, by the monotonic clock; None before the first.
    """

    classified: int = 0
    stored_at: float | None = None

    def add(self, classified: int) -> None:
        """Count a batch that was stored just now."""
        self.classified += classified
        self.stored_at = time.monotonic()

    @property
    def age(self) -> float | None:
        """Seconds since the last batch was stored; None before the first."""
        return None if self.stored_at is None else time.monotonic() - self.stored_at
