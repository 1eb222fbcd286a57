"""Why tickets do not move on."""

from typing import TYPE_CHECKING

from core.settings import Settings, get_settings

if TYPE_CHECKING:
    from db import Database


def why_stalled(database: "Database", settings: Settings | None = None) -> str:
    """Say what is missing for tickets to move on.

    Args:
        database: the record.
        settings: of the stack that answers; by default this process'.
    """
    from redis.exceptions import RedisError

    from core.broker import make_redis
    from core.publisher import unreachable
    from db import versions, workers

    settings = settings or get_settings()
    try:
        make_redis(settings).ping()
    except RedisError as error:
        return unreachable(settings, error)
    with database.reading() as session:
        champion = versions.champion(session)
        there = workers.list_workers(session)
    if champion is None:
        return "no model is promoted; train one with 'paidan train --data FILE --promote'"
    alive = [worker for worker in there if workers.is_alive(worker, settings.heartbeat)]
    if not alive:
        return "no worker is alive; start one with 'paidan up' or 'paidan worker'"
    lent = [worker.lent_to for worker in alive if worker.lent_to and not worker.model_version]
    if len(lent) == len(alive):
        return f"run {lent[0]} has the card; the tickets are answered once it has ended"
    return "the workers are alive; see their log for what holds them up"
