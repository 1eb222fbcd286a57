"""A client of Redis that takes bytes as they are: an entry need not be UTF-8."""

from typing import Any

from redis import ConnectionPool, Redis

# A frozen server must not hold the relay's other steps up for long.
_TIMEOUT_S = 5


def bytes_client(redis: Redis) -> Any:
    """Return a client of the same server with connections of its own.

    redis-py's stream commands are typed for sync and async at once, hence Any.
    """
    pool = redis.connection_pool
    options = {**pool.connection_kwargs, "decode_responses": False, "socket_timeout": _TIMEOUT_S}
    return Redis(connection_pool=ConnectionPool(pool.connection_class, **options))
