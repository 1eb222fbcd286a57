"""``paidan status``: what is where."""

from typing import TYPE_CHECKING, Any

import click

from core.broker import (
    INGEST_REJECTED_TOTAL,
    INGEST_REJECTS,
    LANES,
    make_redis,
    queue_name,
)
from core.settings import Settings, get_settings
from paidan.cli.options import JSON, opened_database, print_json

if TYPE_CHECKING:
    from redis import Redis

    from db.models import Worker

# A server that is frozen must not hold the answer up.
_REDIS_TIMEOUT_S = 3.0


@click.command()
@JSON
def status(*, as_json: bool) -> None:
    """Show tickets by status and lane, queues, workers, champion and rate."""
    from db import draws, report, versions, workers

    settings = get_settings()
    with opened_database(settings) as database, database.reading() as session:
        view = report.overview(session)
        blind = draws.count_waiting(session)
        champion = versions.champion(session)
        heartbeats = [
            {
                "name": w.name,
                "device": w.device,
                "model": w.model_version,
                "classified": w.classified,
                "state": _state(w, settings),
                "stalled_s": round(w.stalled_s, 1),
                "dropped_messages": w.dropped,
                "heartbeat_age_s": round(w.heartbeat_age, 1),
            }
            for w in workers.list_workers(session)
        ]
    redis = make_redis(settings, timeout_s=_REDIS_TIMEOUT_S)
    queues = _queue_depths(redis)
    state = {
        "tickets": view.by_status,
        "claimed": view.claimed,
        "oldest_queued_s": None if view.oldest_queued_s is None else round(view.oldest_queued_s, 1),
        "queues": queues,
        "rejects": None if queues is None else _rejects(redis),
        "review": view.review_by_reason,
        "blind": blind,
        "corrections": view.corrections,
        "tickets_per_s": round(view.classified_last_minute / 60, 2),
        "champion": champion,
        "workers": heartbeats,
    }
    (print_json if as_json else _print_status)(state)


def _state(worker: "Worker", settings: Settings) -> str:
    from db.workers import is_alive

    if worker.stopped_at is not None:
        return "stopped"
    if not is_alive(worker, settings.heartbeat):
        return "silent"
    if worker.lent_to is not None and worker.model_version is None:
        return f"run {worker.lent_to} has its card"
    # A second or two pass on the way of every message.
    return "stalled" if worker.stalled_s > settings.stall / 2 else "alive"


def _queue_depths(redis: "Redis") -> dict[str, int] | None:
    """Return the messages waiting in each lane's queue, None where Redis does not answer."""
    from redis.exceptions import RedisError

    try:
        return {lane: int(redis.llen(queue_name(lane))) for lane in LANES}
    except RedisError:
        return None


def _rejects(redis: "Redis") -> dict[str, int] | None:
    """Return how many stream entries were ever rejected and how many of them are kept."""
    from redis.exceptions import RedisError

    try:
        kept = int(redis.xlen(INGEST_REJECTS))
        total = int(redis.get(INGEST_REJECTED_TOTAL) or 0)
    except (RedisError, ValueError):  # the keys hold something else
        return None
    # An earlier Paidan kept rejects and did not count them.
    return {"total": max(total, kept), "kept": kept}


def _print_status(state: dict[str, Any]) -> None:
    click.echo(f"{'tickets':10}" + "".join(f"{lane:>12}" for lane in LANES))
    for name, lanes in state["tickets"].items():
        click.echo(f"{name:10}" + "".join(f"{lanes.get(lane, 0):>12,}" for lane in LANES))
    queues = state["queues"]
    depth = "Redis does not answer ('paidan up' starts the embedded one)"
    if queues is not None:
        depth = ", ".join(f"{lane} {count:,} messages" for lane, count in queues.items())
    rejects = state["rejects"]
    refused = "not known"
    if rejects is not None:
        refused = f"{rejects['total']:,} stream entries, {rejects['kept']:,} of them kept"
    oldest = state["oldest_queued_s"]
    click.echo(f"\nqueues     {depth}")
    click.echo(
        f"oldest     {'nothing waits' if oldest is None else f'{oldest:,.0f} s in the queue'}"
    )
    click.echo(f"in hand    {state['claimed']:,} tickets")
    click.echo(f"rate       {state['tickets_per_s']:,.1f} tickets/s over the last minute")
    reasons = ", ".join(f"{count:,} {why}" for why, count in state["review"].items())
    click.echo(f"review     {reasons or 'none'}")
    if state["blind"]:
        click.echo(f"blind      {state['blind']:,} drawn: paidan export FILE --blind")
    click.echo(f"decisions  {state['corrections']:,} by people")
    click.echo(f"rejects    {refused}")
    click.echo(f"champion   {state['champion'] or 'none: paidan train --data FILE --promote'}")
    champion = state["champion"]
    for w in state["workers"]:
        click.echo(
            f"worker     {w['name']} ({w['device']}): {w['state']}, heartbeat "
            f"{w['heartbeat_age_s']:,.0f} s ago, {w['classified']:,} classified with {w['model']}"
            + (" (not the champion: see its log)" if w["model"] not in (None, champion) else "")
            + (f", no message for {w['stalled_s']:,.0f} s" if w["state"] == "stalled" else "")
            + (f", {w['dropped_messages']:,} messages dropped" if w["dropped_messages"] else "")
        )
    if not state["workers"]:
        click.echo("worker     none yet: paidan up")


COMMANDS = (status,)
