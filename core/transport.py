"""Kombu's Redis transport, mended where an outage or garbage would silence or end a worker.

Three faults of kombu 5.7 (``kombu/transport/redis.py``) are mended here:

* ``QoS.ack`` and ``QoS.reject`` tell Redis first and forget a message afterwards. While Redis is
  away they never forget it, and with a prefetch of 1 the worker takes nothing again.
* ``QoS.append`` notes in Redis that a message was taken. A refused write ends the worker.
* A message that ``_brpop_read`` cannot decode ends the worker, and so does one that is no task.

Redis is only the transport. A message that is forgotten here and not there comes a second time. A
message that is dropped was a hint, which the relay gives again. Both are harmless.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty
from typing import Any

import kombu
from celery.app.amqp import AMQP
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from redis.exceptions import RedisError, ResponseError

from core.faults import describe
from core.message import bare, fault_of

logger = logging.getLogger(__name__)

# Between two tries to reach Redis again; kombu's own bound is 30 s.
_RECONNECT_STEP_S, _RECONNECT_MAX_S = 1, 5


@dataclass(slots=True)
class Received:
    """What this process got from Redis since it started."""

    taken: int = 0
    dropped: int = 0
    # Monotonic seconds at which Redis last refused to hand a message out.
    refused_at: float = -math.inf


received = Received()


class QoS(kombu_redis.QoS):
    """Forgets a message whatever Redis answers."""

    def append(self, message: Any, delivery_tag: str) -> None:
        """Note that a message is in hand, here and in Redis, which gives it back if we die."""
        try:
            super().append(message, delivery_tag)
        except (RedisError, OSError) as error:
            logger.warning(
                "Redis does not note what a worker holds",
                extra={"action": "message.unnoted", "error": describe(error)},
            )
            virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message, and let the next one come."""
        self._end(delivery_tag, lambda: self._remove_from_indices(delivery_tag).execute())

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Give a message back, or drop it, and let the next one come."""
        if requeue:
            self._end(delivery_tag, lambda: self.restore_by_tag(delivery_tag, leftmost=True))
        else:
            self.ack(delivery_tag)

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:
        """Put back a message that its worker left, or drop one that cannot be read.

        Every sweep would stop at such a message and never reach those behind it.
        """
        try:
            super().restore_by_tag(tag, client, leftmost)
        except (RedisError, OSError):
            raise
        except Exception as error:  # whatever JSON holds instead of a message
            self._remove_from_indices(tag).execute()
            drop(type(error).__name__)

    def _end(self, delivery_tag: str, tell: Callable[[], object]) -> None:
        """Tell Redis that a message is done, and forget it in any case.

        A closed channel tells nothing: it has given its messages back already.
        """
        try:
            if not self.channel.closed:
                tell()
        except (RedisError, OSError) as error:
            logger.warning(
                "Redis was not told that a message is done: it comes again",
                extra={"action": "message.unacknowledged", "error": describe(error)},
            )
        finally:
            virtual.QoS.ack(self, delivery_tag)


class Channel(kombu_redis.Channel):
    """Drops a message that cannot be decoded."""

    QoS = QoS

    def _brpop_read(self, **options: Any) -> Any:
        self.connection.is_delivering = False
        try:
            return super()._brpop_read(**options)
        except ResponseError:  # a replica, a full disk, a list of another type
            received.refused_at = time.monotonic()
            raise
        except (Empty, RedisError, OSError):
            raise
        except Exception as error:
            if self.connection.is_delivering:
                raise
            drop(type(error).__name__)
            return True


class Transport(kombu_redis.Transport):
    """Delivers a message only if a publisher of ours could have sent it."""

    Channel = Channel
    is_delivering = False

    def _deliver(self, message: Any, queue: str) -> None:
        fault = fault_of(message, queue)
        if fault is not None:
            drop(fault)
            return
        self.is_delivering = True
        received.taken += 1
        super()._deliver(bare(message, queue), queue)


class Connection(kombu.Connection):
    """Connects again soon after Redis is back, however long it was away."""

    def ensure_connection(self, *args: Any, **options: Any) -> "Connection":
        """Connect, with waits of a few seconds at most between the tries."""
        waits = {
            "interval_start": _RECONNECT_STEP_S,
            "interval_step": _RECONNECT_STEP_S,
            "interval_max": _RECONNECT_MAX_S,
        }
        return super().ensure_connection(*args, **{**waits, **options})  # type: ignore[no-any-return]


class Protocol(AMQP):
    """Celery's protocol, with connections of ours."""

    Connection = Connection


def drop(fault: str) -> None:
    """Count a message that is dropped; ``fault`` is logged, so it quotes nothing."""
    received.dropped += 1
    # A lane full of garbage must not become a disk full of lines: 1, 2, 4, 8 …
    if received.dropped.bit_count() == 1:
        logger.warning(
            "dropped a message that is no task",
            extra={"action": "message.dropped", "fault": fault, "dropped": received.dropped},
        )
