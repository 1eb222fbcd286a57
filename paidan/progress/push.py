"""The live progress of a push: submitted, routed, in review, dead, rate, time left."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from core.settings import Settings
from paidan.progress.bar import Bar, Rate
from paidan.progress.stall import why_stalled

if TYPE_CHECKING:
    from db import Database

_POLL_S = 0.3
# A poll may take this share of the time: waiting must not slow down what it waits for.
_POLL_SHARE = 0.1
# After so long without a ticket done, say what may be missing.
_STALLED_S = 10.0


class PushProgress:
    """Counts tickets in, then waits for their answers.

    Args:
        settings: of the stack that answers; by default this process'.
        quiet: show nothing (for ``--json``).
    """

    def __init__(self, settings: Settings | None = None, *, quiet: bool = False) -> None:
        self._settings = settings
        self.counts: Counter[str] = Counter()
        self._bar = Bar("submitted", Rate(), quiet=quiet)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._bar.__exit__(*exc)

    def submitted(self, count: int) -> None:
        """Show how many tickets are in the database."""
        self._bar.show(f"submitted {count:,}", count)

    def wait(self, database: "Database", ids: Sequence[int]) -> Counter[str]:
        """Wait until every ticket is routed, in review or dead; return how many are what."""
        from db import report

        waiting = list(ids)
        self._bar.restart("classified", len(waiting))
        last_change = time.monotonic()
        while waiting:
            began = time.monotonic()
            with database.reading() as session:
                closed = report.closed_among(session, waiting)
            if closed:
                last_change = began
                self.counts.update(closed.values())
                waiting = [i for i in waiting if i not in closed]
            self._show(len(ids) - len(waiting), len(ids))
            if time.monotonic() - last_change > _STALLED_S:
                self._bar.say(f"waiting: {why_stalled(database, self._settings)}")
                last_change = time.monotonic()
            if waiting:
                time.sleep(max(_POLL_S, (time.monotonic() - began) / _POLL_SHARE))
        return self.counts

    def _show(self, done: int, total: int) -> None:
        detail = "  ".join(f"{name} {self.counts[name]:,}" for name in ("routed", "review", "dead"))
        self._bar.show(f"classified {done:,} of {total:,}: {detail}", done, total, detail)
