"""The broker: its names in Redis, the Celery apps that publish and consume, a plain client."""

from functools import lru_cache
from typing import Any

import redis
from celery import Celery
from kombu import Exchange, Queue
from kombu.transport import TRANSPORT_ALIASES
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.files import check_socket_folder
from core.settings import Settings, get_settings

LIVE, BULK = "live", "bulk"
LANES = (LIVE, BULK)
CLASSIFY_TASK = "worker.tasks.classify"

TRAINING_QUEUE = "training"
RETRAIN_TASK = "training.tasks.retrain"

# Tickets from producers that reach only Redis (see docs/INGEST.md).
INGEST_STREAM = "tickets.ingest"
INGEST_GROUP = "relay"
INGEST_REJECTS = "tickets.ingest.rejected"
# Counts all rejects there ever were; the stream keeps the newest.
INGEST_REJECTED_TOTAL = "tickets.ingest.rejected.total"

# Where kombu notes the messages that workers have and did not acknowledge yet. The names are ours:
# so all keys begin alike, and one rule of an ACL covers them. A trainer has its own: who gives a
# message back must be allowed to write to its queue.
_TICKETS, _TRAINING = "tickets", "training"
UNACKED = f"{_TICKETS}.unacked"
UNACKED_INDEX = f"{_TICKETS}.unacked_index"
# A process that dies while it gives messages back keeps others off for so long.
_UNACKED_MUTEX_S = 15

_CONNECT_TIMEOUT_S = 3
_SOCKET_TIMEOUT_S = 30


def queue_name(lane: str) -> str:
    """Return the Celery queue, which is also the Redis list, of a lane."""
    return f"tickets.{lane}"


def make_app(settings: Settings) -> Celery:
    """Build the Celery app, by which ids are published and tasks consumed."""
    return _make_app(settings, [queue_name(lane) for lane in LANES], queue_name(BULK), _TICKETS)


def make_training_app(settings: Settings) -> Celery:
    """Build the Celery app by which a trainer is told to look for runs."""
    return _make_app(settings, [TRAINING_QUEUE], TRAINING_QUEUE, _TRAINING)


def _make_app(settings: Settings, queues: list[str], default: str, prefix: str) -> Celery:
    """Build an app with so named queues; ``prefix`` begins the keys of what is not acknowledged."""
    # By the URL's scheme: a URL with a socket names its transport itself, and no setting counts.
    TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "core.transport:Transport"))
    app = Celery(
        "paidan",
        broker=settings.redis_address.broker_url(),
        amqp="core.transport:Protocol",
        set_as_current=False,
    )
    app.conf.update(
        enable_utc=True,
        timezone="UTC",
        **_queue_options(queues, default),
        **_task_options(settings),
        **_worker_options(settings),
        **_connection_options(settings, prefix),
    )
    return app


def _queue_options(names: list[str], default: str) -> dict[str, Any]:
    """Bind the queues to the anonymous exchange, whose routing needs no table in Redis.

    So publishing goes on after Redis lost everything (FLUSHALL).
    """
    anonymous = Exchange("", type="direct")
    return {
        "task_queues": [Queue(name, exchange=anonymous, routing_key=name) for name in names],
        "task_default_queue": default,
        "task_default_exchange": "",
        "task_default_routing_key": default,
        "task_create_missing_queues": False,
    }


def _task_options(settings: Settings) -> dict[str, Any]:
    """Let Redis keep a message until its task has ended, and end a task that takes too long."""
    return {
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_acks_on_failure_or_timeout": True,
        "task_time_limit": settings.hard_limit,
    }


def _worker_options(settings: Settings) -> dict[str, Any]:
    """Give a worker one child, which takes one message at a time."""
    return {
        "worker_prefetch_multiplier": 1,
        "worker_concurrency": 1,
        "worker_proc_alive_timeout": settings.model_load,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
    }


def _connection_options(settings: Settings, prefix: str) -> dict[str, Any]:
    """Try to reach Redis for ever, and take back what a dead worker has not acknowledged."""
    return {
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # What Redis refuses now (a replica, a full disk) it may take again: that ends no worker.
        "broker_channel_error_retry": True,
        "broker_pool_limit": 4,
        "broker_use_ssl": settings.redis_address.broker_ssl(),
        "broker_transport_options": {
            "unacked_key": f"{prefix}.unacked",
            "unacked_index_key": f"{prefix}.unacked_index",
            "unacked_mutex_key": f"{prefix}.unacked_mutex",
            "unacked_mutex_expire": _UNACKED_MUTEX_S,
            "visibility_timeout": settings.visibility,
            # Sweep for unacked messages every 5 s: the defaults amount to every 100 s.
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "queue_order_strategy": "priority",
            "socket_timeout": _SOCKET_TIMEOUT_S,
            "socket_connect_timeout": _CONNECT_TIMEOUT_S,
            "socket_keepalive": True,
        },
    }


@lru_cache(maxsize=1)
def get_app() -> Celery:
    """Return the process' Celery app."""
    return make_app(get_settings())


def _check_embedded(settings: Settings) -> None:
    """Refuse a socket folder outside of the home that may be somebody else's."""
    folder = settings.embedded_socket.parent
    if settings.redis_url is None and folder != settings.resolved_home:
        check_socket_folder(folder)


def make_redis(settings: Settings, timeout_s: float = _SOCKET_TIMEOUT_S) -> "redis.Redis":
    """Return a redis-py client for the lanes' depths and the ingest stream.

    It connects on first use.

    Args:
        settings: where Redis is.
        timeout_s: seconds that an answer may take.

    Raises:
        StorageError: the embedded Redis' socket is in a folder that may be somebody else's.
    """
    _check_embedded(settings)
    return redis.Redis(
        **settings.redis_address.client_options(),
        socket_timeout=timeout_s,
        socket_connect_timeout=_CONNECT_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),
        decode_responses=True,
    )
