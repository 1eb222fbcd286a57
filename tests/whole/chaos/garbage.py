"""What no producer of Paidan sends: into the lanes, and into the stream."""

import base64
import json
import random
import uuid
from typing import Any

from core.broker import CLASSIFY_TASK, INGEST_STREAM, LANES, queue_name
from core.publisher import Publisher
from core.settings import Settings
from tests.whole.chaos.servers import RedisServer

_LONG = "长" * 60_000
_UNKNOWN_IDS = list(range(10**9, 10**9 + 20_000))
# Arguments of the task that it cannot, or need not, do anything with.
WRONG_ARGUMENTS: tuple[tuple[list[Any], dict[str, Any]], ...] = (
    ([["a", "b"], "bulk"], {}),
    ([[-1, 0], "bulk"], {}),
    ([[10**12], "live"], {}),
    ([[10**40], "bulk"], {}),
    ([[1.5, None, True], "bulk"], {}),
    ([[[1], {"a": 1}], "live"], {}),
    ([_UNKNOWN_IDS, "bulk"], {}),
    ([{"ids": [1]}, "bulk"], {}),
    ([[], "live"], {}),
    ([[1], "no such lane"], {}),
    ([None, None], {}),
    (["12345", "bulk"], {}),
    ([], {}),
    ([[1], "bulk", "one more"], {}),
    ([], {"ids": [1], "lane": "bulk", "surplus": 1}),
)


def undecodable() -> list[bytes]:
    """Return messages that are no messages of kombu's."""
    return [
        b"no json at all",
        b"\xff\xfe\x00\x80 not utf-8",
        b"",
        b"[1, 2, 3]",
        b'"a string"',
        b"null",
        b"{}",
        b'{"body": null, "properties": null, "headers": null}',
        _envelope("###not base64###"),
        _envelope(base64.b64encode(b"not json").decode()),
        _envelope(base64.b64encode(b'{"an": "object"}').decode()),
        _envelope(base64.b64encode(b"[[1], {}, {}]").decode(), content_type="text/unknown"),
        _envelope(base64.b64encode(b"[[1], {}, {}]").decode(), headers={}),
        _envelope(base64.b64encode(b"[[1], {}, {}]").decode(), headers={"task": 5, "id": None}),
    ]


def _envelope(body: str, **changes: Any) -> bytes:
    """Return a message as kombu writes it, with ``body`` and with some parts changed."""
    tag = str(uuid.uuid4())
    message = {
        "body": body,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": CLASSIFY_TASK, "id": tag, "root_id": tag},
        "properties": {
            "correlation_id": tag,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "tickets.bulk"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": tag,
        },
    }
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    return json.dumps(message | named).encode()


def throw_into_lanes(settings: Settings, server: RedisServer, rng: random.Random) -> None:
    """Push messages that cannot be read, and readable ones that make no sense."""
    with server.client() as client:
        for raw in rng.sample(undecodable(), k=4):
            client.lpush(queue_name(rng.choice(LANES)), raw)
    publisher = Publisher(settings)
    try:
        for args, kwargs in rng.sample(WRONG_ARGUMENTS, k=4):
            lane = rng.choice(LANES)
            publisher.app.send_task(
                CLASSIFY_TASK, args=args, kwargs=kwargs, queue=queue_name(lane), retry=False
            )
        publisher.app.send_task("no.such.task", queue=queue_name(rng.choice(LANES)), retry=False)
    finally:
        publisher.close()


def wrong_entries() -> list[dict[str | bytes, str | bytes]]:
    """Return stream entries that are no tickets; none may become a row."""
    return [
        {"text": "no id"},
        {"external_id": "garbage-1"},
        {"external_id": "garbage-2", "text": "   "},
        {"external_id": "garbage-3", "text": b"\xff\xfe not utf-8 \x80"},
        {"external_id": "garbage-4", "text": "a NUL \x00 in it"},
        {"external_id": "garbage-5", "text": "x", "priority": "9"},
        {"external_id": "garbage-6", "text": "x", "lane": "nowhere"},
        {"external_id": "garbage-7", "text": "x", "meta": "{not json"},
        {"external_id": "garbage-8" * 100, "text": "x"},
        {"external_id": "garbage-9", "text": "x", "source": "s" * 5000},
        {"external_id": "garbage-10", "text": _LONG},
        {"json": "{"},
        {"json": "[1, 2]"},
        {"json": '{"external_id": "garbage-11", "text": "half a pair \\ud800"}'},
        {"json": b"\xc3\x28"},
        {b"\xff\x00": b"\x00\xff"},
    ]


def throw_into_stream(server: RedisServer, rng: random.Random) -> None:
    """Add entries that must be rejected."""
    with server.client() as client:
        for entry in rng.sample(wrong_entries(), k=8):
            client.xadd(INGEST_STREAM, entry)
