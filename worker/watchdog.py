"""The watchdog: a worker that takes none of the messages that wait connects anew, or ends.

The parent consumes messages and its child works on them. A parent that hears nothing more from
Redis looks healthy in every other way. The child knows best that nothing reaches it, so it watches.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from celery.worker.consumer import Consumer
from redis.exceptions import RedisError

from core.broker import LANES, make_redis, queue_name
from core.settings import Settings
from core.transport import received
from worker.shared import Shared

logger = logging.getLogger(__name__)

_PERIOD_S = 1.0
# A look that comes so late was delayed itself (a frozen Redis, a stopped machine). It counts anew.
_LATE_S = 5.0

# Heard by a parent that is process 1 of its container, where SIGKILL of a child has no effect.
END = signal.SIGUSR2
_EXIT_CODE = 1


class Watchdog:
    """Watches, in the child, that messages which wait reach it.

    Silence is no fault while the child works, loads its model or is told to stop. Nor is it one
    while Redis does not answer or refuses to hand messages out, or the parent drops garbage.

    Args:
        shared: the parent's numbers; a request to reconnect is written there.
        waits: whether messages wait; None where Redis does not answer.
        patience: seconds without a message after which the parent is asked to reconnect, and as
            many again after which it is ended.
        end: ends the parent; its supervisor starts another.
    """

    def __init__(
        self,
        shared: Shared,
        waits: Callable[[], bool | None],
        patience: float,
        end: Callable[[], None],
    ) -> None:
        self.shared = shared
        self.waits = waits
        self.patience = patience
        self.end = end
        # Seconds in which messages waited and none came; read by the heartbeat.
        self.stalled = 0.0
        self._looked_at: float | None = None
        self._begun = 0
        self._begun_before = 0
        self._dropped_before = 0
        self._is_working = False
        self._has_reconnected = False

    @contextmanager
    def working(self) -> Iterator[None]:
        """Mark the block in which a message is worked off."""
        self._begun += 1
        self._is_working = True
        try:
            yield
        finally:
            self._is_working = False

    def look(self, now: float) -> None:
        """Look once; ``now`` is in monotonic seconds."""
        before, self._looked_at = self._looked_at, now
        waits = self.waits()
        begun, self._begun_before = self._begun != self._begun_before, self._begun
        # To drop a lane full of garbage takes longer than any patience, but who drops hears Redis.
        dropped, before_it = self.shared.dropped, self._dropped_before
        self._dropped_before = dropped
        if begun or self._is_working or dropped != before_it:
            self.stalled, self._has_reconnected = 0.0, False
            return
        refused = now - self.shared.refused_at < _LATE_S
        late = before is None or now - before > _LATE_S
        if self.shared.stopping or refused or late or not waits:
            self.stalled = 0.0
            return
        assert before is not None  # that would be late
        self.stalled += now - before
        if self.stalled >= self.patience:
            self._act()

    def _act(self) -> None:
        seconds = round(self.stalled)
        if self._has_reconnected:
            logger.error(
                "messages wait and none comes: this worker ends",
                extra={"action": "worker.ended", "seconds": seconds},
            )
            self.stalled = 0.0
            self.end()
            return
        logger.error(
            "messages wait and none comes: this worker connects anew",
            extra={"action": "worker.stalled", "seconds": seconds},
        )
        self.shared.reconnect = 1
        self.stalled, self._has_reconnected = 0.0, True

    def start(self) -> None:
        """Look once a second, in a thread of its own."""
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(_PERIOD_S)
            self.look(time.monotonic())


def watch(settings: Settings, shared: Shared) -> Watchdog:
    """Return the watchdog of this child process."""
    redis = make_redis(settings, _LATE_S / 2)

    def waits() -> bool | None:
        try:
            return any(int(redis.llen(queue_name(lane))) for lane in LANES)
        except (RedisError, OSError):
            return None

    def end() -> None:
        # No ordinary stop: what blocks the parent may block that too. The parent claims no ticket.
        for number in (END, signal.SIGKILL):
            os.kill(os.getppid(), number)

    return Watchdog(shared, waits, settings.stall, end)


def end_on_signal() -> None:
    """Let ``END`` end this process (the parent), whatever it is doing."""
    signal.signal(END, lambda _number, _frame: os._exit(_EXIT_CODE))


def obey(consumer: Consumer, shared: Shared) -> None:
    """Let the parent's event loop do what the child asks, and tell it what the transport counts."""

    def tick() -> None:
        shared.dropped = received.dropped
        shared.refused_at = received.refused_at
        if shared.reconnect:
            shared.reconnect = 0
            # The consumer takes this for a connection that broke.
            raise ConnectionResetError("asked for by the watchdog")

    consumer.hub.call_repeatedly(_PERIOD_S, tick)
