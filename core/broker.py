"""The broker's names and the Celery app: what producers publish and workers consume. No ML here."""

from functools import lru_cache

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

# Tickets from producers that reach only Redis (see docs/INGEST.md).
INGEST_STREAM = "tickets.ingest"
INGEST_GROUP = "relay"
INGEST_REJECTS = "tickets.ingest.rejected"
# Counts all rejects there ever were; the stream keeps the newest.
INGEST_REJECTED_TOTAL = "tickets.ingest.rejected.total"

# What workers hold, as kombu notes it: under our own names, so that all keys begin alike.
UNACKED = "tickets.unacked"
UNACKED_INDEX = "tickets.unacked_index"
_UNACKED_MUTEX = "tickets.unacked_mutex"
_UNACKED_MUTEX_S = 15

_CONNECT_TIMEOUT_S = 3
_SOCKET_TIMEOUT_S = 30


def queue_name(lane: str) -> str:
    """Return the Celery queue, which is also the Redis list, of a lane."""
    return f"tickets.{lane}"


def make_app(settings: Settings) -> Celery:
    """Build the Celery app of DESIGN's delivery contract.

    Both lanes are bound to the anonymous exchange: its routing needs no table in Redis, so
    publishing goes on after Redis lost everything (FLUSHALL).
    """
    address = settings.redis_address
    # By the URL's scheme, for a URL with a socket names its transport itself and no setting counts.
    TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "core.transport:Transport"))
    app = Celery(
        "paidan",
        broker=address.broker_url(),
        amqp="core.transport:Protocol",
        set_as_current=False,
    )
    anonymous = Exchange("", type="direct")
    app.conf.update(
        task_queues=[
            Queue(queue_name(lane), exchange=anonymous, routing_key=queue_name(lane))
            for lane in LANES
        ],
        task_default_queue=queue_name(BULK),
        task_default_exchange="",
        task_default_routing_key=queue_name(BULK),
        task_create_missing_queues=False,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_acks_on_failure_or_timeout=True,
        task_time_limit=settings.hard_limit,
        worker_prefetch_multiplier=1,
        worker_concurrency=1,
        worker_proc_alive_timeout=settings.model_load,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # What Redis refuses now (a replica, a full disk) it may take again: that ends no worker.
        broker_channel_error_retry=True,
        broker_pool_limit=4,
        broker_use_ssl=address.broker_ssl(),
        broker_transport_options={
            "unacked_key": UNACKED,
            "unacked_index_key": UNACKED_INDEX,
            "unacked_mutex_key": _UNACKED_MUTEX,
            # A process that dies while it gives messages back keeps others off for so long.
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
        enable_utc=True,
        timezone="UTC",
    )
    return app


@lru_cache(maxsize=1)
def get_app() -> Celery:
    """Return the process' Celery app."""
    return make_app(get_settings())


def _check_embedded(settings: Settings) -> None:
    folder = settings.embedded_socket.parent
    if settings.redis_url is None and folder != settings.resolved_home:
        check_socket_folder(folder)


def make_redis(settings: Settings, timeout_s: float = _SOCKET_TIMEOUT_S) -> "redis.Redis":
    """Return a redis-py client for depths and the ingest stream; it connects on first use.

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
