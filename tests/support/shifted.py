"""A process whose clock is off, as far as one can be had inside the tests' own process."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from unittest.mock import patch

_OURS = ("db", "producer", "worker", "paidan")
_TIME = time.time


@contextmanager
def shifted(seconds: float) -> Iterator[None]:
    """For the block, whatever our modules read of the calendar is so many seconds ahead of it.

    The servers keep their time, and so does ``time.monotonic``. A block inside another counts from
    the calendar too.
    """

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=seconds)

    patches = [
        patch.object(module, "datetime", Shifted)
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in _OURS and _is_datetime(vars(module).get("datetime"))
    ]
    patches.append(patch.object(time, "time", lambda: _TIME() + seconds))
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in reversed(patches):
            each.stop()


def _is_datetime(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, datetime)
