"""The faults: each does something to the world, waits, and undoes it."""

import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
from redis.exceptions import RedisError
from sqlalchemy import select

from core.broker import LANES, queue_name
from core.publisher import Publisher
from db.models import Ticket
from tests.whole.chaos.garbage import throw_into_lanes, throw_into_stream
from tests.whole.chaos.parts import Part, send
from tests.whole.chaos.servers import PostgresServer, wait_for_redis
from tests.whole.chaos.world import World

BOTH = ("sqlite", "postgresql")
_MESSAGES_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault.

    Attributes:
        name: how schedules name it.
        target: two faults of one target do not overlap.
        lasts: the least and the most seconds.
        strike: does it, waits as long as told, undoes it.
        databases: where it exists.
    """

    name: str
    target: str
    lasts: tuple[float, float]
    strike: "Strike"
    databases: tuple[str, ...] = BOTH


Strike = Callable[[World, random.Random, float], None]
KINDS: dict[str, Kind] = {}


def _kind(
    target: str, lasts: tuple[float, float] = (0.0, 0.0), databases: tuple[str, ...] = BOTH
) -> Callable[[Strike], Strike]:
    def enter(strike: Strike) -> Strike:
        name = strike.__name__
        KINDS[name] = Kind(name, target, lasts, strike, databases)
        return strike

    return enter


# --- processes ---


@_kind("workers")
def kill_worker(world: World, rng: random.Random, lasts: float) -> None:
    rng.choice(world.workers).signal(signal.SIGKILL)


@_kind("workers")
def kill_both_workers(world: World, rng: random.Random, lasts: float) -> None:
    for part in world.workers:
        part.signal(signal.SIGKILL)


@_kind("workers")
def kill_child(world: World, rng: random.Random, lasts: float) -> None:
    for child in rng.choice(world.workers).children():
        send(child.pid, signal.SIGKILL)


@_kind("workers")
def restart_worker(world: World, rng: random.Random, lasts: float) -> None:
    rng.choice(world.workers).signal(signal.SIGTERM)


@_kind("workers", (1, 20))
def stop_worker(world: World, rng: random.Random, lasts: float) -> None:
    with _stopped([rng.choice(world.workers).pid]):
        world.ended.wait(lasts)


@_kind("workers", (1, 20))
def stop_child(world: World, rng: random.Random, lasts: float) -> None:
    with _stopped([child.pid for child in rng.choice(world.workers).children()]):
        world.ended.wait(lasts)


@_kind("workers", (1, 12))
def stop_both_workers(world: World, rng: random.Random, lasts: float) -> None:
    pids = [pid for part in world.workers for pid in _family(part)]
    with _stopped(pids):
        world.ended.wait(lasts)


@_kind("relay")
def kill_relay(world: World, rng: random.Random, lasts: float) -> None:
    for part in world.relays:
        part.signal(signal.SIGKILL, down=rng.uniform(0, 5))


@_kind("relay", (1, 20))
def stop_relay(world: World, rng: random.Random, lasts: float) -> None:
    with _stopped([part.pid for part in world.relays]):
        world.ended.wait(lasts)


def _family(part: Part) -> list[int]:
    return [part.pid, *(child.pid for child in part.children())]


@contextmanager
def _stopped(pids: list[int]) -> Iterator[None]:
    """Hold processes with SIGSTOP; some may be killed meanwhile."""
    # A pid may be another process' by the end, if its own was killed: psutil compares birthdays.
    held = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    try:
        for process in held:
            process.suspend()
        yield
    finally:
        for process in held:
            try:
                process.resume()
            except psutil.NoSuchProcess:
                continue


# --- Redis ---


@_kind("redis", (0.5, 20))
def kill_redis(world: World, rng: random.Random, lasts: float) -> None:
    world.lose_redis_data()
    world.redis_part.signal(signal.SIGKILL, down=lasts)
    world.ended.wait(lasts)
    wait_for_redis(world.redis)
    world.lose_redis_data(lasts + 5)


@_kind("redis", (0.5, 20))
def restart_redis(world: World, rng: random.Random, lasts: float) -> None:
    world.redis_part.signal(signal.SIGTERM, down=lasts)
    world.ended.wait(lasts)
    wait_for_redis(world.redis)


@_kind("redis", (1, 20))
def freeze_redis(world: World, rng: random.Random, lasts: float) -> None:
    with _stopped([world.redis_part.pid]):
        world.ended.wait(lasts)
    wait_for_redis(world.redis)


@_kind("redis", (4, 20))
def fill_redis(world: World, rng: random.Random, lasts: float) -> None:
    """Leave Redis no memory but what it has; what frees some may be taken again."""
    with world.redis.client() as client:
        used = int(client.info("memory")["used_memory"])
        client.config_set("maxmemory", max(1, int(used * rng.choice((0.5, 0.9, 1.0)))))
    try:
        world.ended.wait(lasts)
    finally:
        _until_done(world, lambda client: client.config_set("maxmemory", 0))


@_kind("redis")
def flush_redis(world: World, rng: random.Random, lasts: float) -> None:
    with world.redis.client() as client:
        client.flushall()
    world.lose_redis_data(None)


@_kind("redis")
def disconnect_redis(world: World, rng: random.Random, lasts: float) -> None:
    with world.redis.client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def _until_done(world: World, act: Callable[[object], object]) -> None:
    """Do something to Redis as soon as it answers."""
    while True:
        try:
            with world.redis.client() as client:
                act(client)
        except (RedisError, OSError):
            if world.ended.wait(0.2):
                return
        else:
            return


# --- messages ---


@_kind("messages")
def lose_messages(world: World, rng: random.Random, lasts: float) -> None:
    with world.redis.client() as client:
        for lane in LANES:
            client.rpop(queue_name(lane), rng.randint(1, _MESSAGES_AT_ONCE))


@_kind("messages")
def double_messages(world: World, rng: random.Random, lasts: float) -> None:
    """Send ids again: of waiting, claimed and closed tickets, in a lane that may not be theirs."""
    with world.database.reading() as session:
        ids = list(session.scalars(select(Ticket.id)))
    publisher = Publisher(world.settings)
    try:
        for _ in range(_MESSAGES_AT_ONCE if ids else 0):
            chosen = rng.choices(ids, k=rng.randint(1, world.settings.message_ids))
            publisher.publish({rng.choice(LANES): chosen})
    finally:
        publisher.close()


@_kind("messages")
def garbage_in_lanes(world: World, rng: random.Random, lasts: float) -> None:
    throw_into_lanes(world.settings, world.redis, rng)


@_kind("messages")
def garbage_in_stream(world: World, rng: random.Random, lasts: float) -> None:
    throw_into_stream(world.redis, rng)


# --- the database ---


@_kind("database", (3, 20), ("sqlite",))
def lock_file(world: World, rng: random.Random, lasts: float) -> None:
    with world.server.locked():
        world.ended.wait(lasts)


@_kind("database", (2, 12), ("postgresql",))
def lock_table(world: World, rng: random.Random, lasts: float) -> None:
    with world.server.locked():
        world.ended.wait(lasts)


@_kind("database", databases=("postgresql",))
def disconnect_database(world: World, rng: random.Random, lasts: float) -> None:
    _postgres(world).disconnect_all()


@_kind("database", databases=("postgresql",))
def restart_database(world: World, rng: random.Random, lasts: float) -> None:
    _postgres(world).restart("fast")


@_kind("database", databases=("postgresql",))
def crash_database(world: World, rng: random.Random, lasts: float) -> None:
    _postgres(world).restart("immediate")


@_kind("database", (2, 15), ("postgresql",))
def database_away(world: World, rng: random.Random, lasts: float) -> None:
    server = _postgres(world)
    server.stop(rng.choice(("fast", "immediate")))
    try:
        world.ended.wait(lasts)
    finally:
        server.restart()


@_kind("database", (1, 10), ("postgresql",))
def freeze_database(world: World, rng: random.Random, lasts: float) -> None:
    with _stopped([process.pid for process in _postgres(world).processes()]):
        world.ended.wait(lasts)


def _postgres(world: World) -> PostgresServer:
    assert isinstance(world.server, PostgresServer)
    return world.server
