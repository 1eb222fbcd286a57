"""Publishing: ticket ids go into a lane's queue, never a ticket's text."""

import logging
from collections.abc import Mapping, Sequence

from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from core.broker import (
    BULK,
    CLASSIFY_TASK,
    RETRAIN_TASK,
    TRAINING_QUEUE,
    make_app,
    make_redis,
    make_training_app,
    queue_name,
)
from core.errors import BrokerUnavailableError
from core.faults import describe
from core.settings import Settings

logger = logging.getLogger(__name__)

# Retries for about a second; then the tickets are left to the relay.
_RETRY_POLICY = {"max_retries": 2, "interval_start": 0.1, "interval_step": 0.3}


class Publisher:
    """Sends ids as Celery messages of at most ``settings.message_ids``.

    Args:
        settings: where Redis is, how many ids a message has, and how many messages a lane.
        app: the process' Celery app, if it has one.
        redis: the client that asks for a lane's depth before anything is sent.
    """

    def __init__(
        self, settings: Settings, app: Celery | None = None, redis: Redis | None = None
    ) -> None:
        self.settings = settings
        self.app = app or make_app(settings)
        self.redis: Redis = redis or make_redis(settings)

    def publish(self, ids_by_lane: Mapping[str, Sequence[int]]) -> int:
        """Publish ids and return how many went out.

        A lane takes no more than ``settings.lane_messages``. The rest waits in SQL, and the relay
        sends it when the lane has run dry. So Redis stays small, however long the backlog is.

        Raises:
            BrokerUnavailableError: Redis cannot be reached; the rows stay queued for the relay.
        """
        sent = 0
        size = self.settings.message_ids
        try:
            for lane, ids in ids_by_lane.items():
                room = self.settings.lane_messages - self.depth(lane)
                fitting = ids[: max(0, room) * size]
                for start in range(0, len(fitting), size):
                    self._send(lane, fitting[start : start + size])
                sent += len(fitting)
        except (OperationalError, RedisError, OSError) as error:
            raise BrokerUnavailableError(unreachable(self.settings, error)) from error
        return sent

    def ask_shadow(self) -> None:
        """Have a worker answer in the shadow, by a message without ids behind all that waits.

        Raises:
            BrokerUnavailableError: Redis cannot be reached.
        """
        try:
            self._send(BULK, [])
        except (OperationalError, RedisError, OSError) as error:
            raise BrokerUnavailableError(unreachable(self.settings, error)) from error

    def close(self) -> None:
        """Close the connections to Redis."""
        self.app.close()
        self.redis.close()

    def depth(self, lane: str) -> int:
        """Return how many messages wait in a lane, without those that a worker has taken."""
        return int(self.redis.llen(queue_name(lane)))

    def _send(self, lane: str, ids: Sequence[int]) -> None:
        self.app.send_task(
            CLASSIFY_TASK,
            args=[list(ids), lane],
            queue=queue_name(lane),
            retry=True,
            retry_policy=_RETRY_POLICY,
            ignore_result=True,
        )


def call_trainers(settings: Settings) -> None:
    """Have a trainer look for runs at once, and not only with its next heartbeat.

    Raises:
        BrokerUnavailableError: Redis cannot be reached; a trainer finds the run all the same.
    """
    app = make_training_app(settings)
    try:
        app.send_task(
            RETRAIN_TASK,
            queue=TRAINING_QUEUE,
            retry=True,
            retry_policy=_RETRY_POLICY,
            ignore_result=True,
        )
    except (OperationalError, RedisError, OSError) as error:
        raise BrokerUnavailableError(unreachable(settings, error)) from error
    finally:
        app.close()


def unreachable(settings: Settings, error: Exception) -> str:
    """Say which Redis cannot be reached and what to do."""
    if settings.redis_url is None:
        return (
            f"the embedded stack is not running ({settings.embedded_socket} does not answer): "
            "start it with 'paidan up', or set PAIDAN_REDIS_URL"
        )
    return (
        f"Redis at {settings.redis_address} cannot be reached ({describe(error)}): is it "
        "running, is PAIDAN_REDIS_URL right?"
    )
