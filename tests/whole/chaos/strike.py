"""Letting one fault happen, whatever the others make of its server meanwhile."""

import random
import time

import psutil
from redis.exceptions import RedisError

from core.errors import PaidanError
from tests.whole.chaos.faults import Kind
from tests.whole.chaos.world import World

# How long a fault of a moment waits until its server answers.
_PATIENCE_S, _RETRY_S = 15.0, 0.5
# What a fault may meet when others are going on: then it just does not come.
PASSING = (RedisError, OSError, PaidanError, psutil.Error)


def strike(world: World, kind: Kind, rng: random.Random, lasts: float) -> str | None:
    """Let a fault happen; return why it could not, if so.

    A fault of a moment waits for its server, if another fault keeps that away.
    """
    deadline = time.monotonic() + (0.0 if lasts else _PATIENCE_S)
    while True:
        with world.fault(kind.name):
            try:
                kind.strike(world, rng, lasts)
            except Exception as error:
                if not _is_passing(error):
                    raise
                if time.monotonic() >= deadline or world.ended.wait(_RETRY_S):
                    return type(error).__name__
            else:
                return None


def _is_passing(error: Exception) -> bool:
    """Whether another fault is to blame."""
    # psycopg is imported only where there is a PostgreSQL.
    module = type(error).__module__.partition(".")[0]
    return isinstance(error, PASSING) or module in ("psycopg", "kombu", "subprocess", "sqlite3")
