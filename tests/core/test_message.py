"""A message is taken only as our own publisher writes it; the task sees no more than it needs."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from bench.servers import running_redis
from core.message import bare, fault_of
from core.publisher import Publisher
from core.settings import Settings

EMBEDDED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the publisher sends."""
    with running_redis(tmp_path_factory.mktemp("redis")) as url:
        publisher = Publisher(Settings(redis_url=url))
        publisher.publish({"bulk": [1, 2]})
        waiting: Any = publisher.redis.lrange("tickets.bulk", 0, -1)
        publisher.close()
    return str(waiting[0])


@pytest.fixture
def message(sent: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(sent)
    return decoded


def body(args: object, kwargs: object = None, **embedded: object) -> str:
    whole = [args, {} if kwargs is None else kwargs, EMBEDDED | embedded]
    return base64.b64encode(json.dumps(whole).encode()).decode()


def test_what_the_publisher_sends_is_sound_and_so_is_what_the_task_gets(
    message: dict[str, Any],
) -> None:
    assert fault_of(message, "tickets.bulk") is None

    stripped = bare(message, "tickets.bulk")

    assert fault_of(stripped, "tickets.bulk") is None
    assert stripped["body"] == message["body"]
    assert set(stripped["headers"]) == {"id", "task", "ignore_result"}
    assert stripped["properties"]["delivery_info"]["routing_key"] == "tickets.bulk"


def put(*path: str, value: object) -> Callable[[dict[str, Any]], None]:
    """A change of what lies at a path of names."""

    def change(message: dict[str, Any]) -> None:
        for name in path[:-1]:
            message = message[name]
        message[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (put("headers", "id", value="\ud800"), "no envelope"),
        (put("headers", "id", value="x" * 201), "no envelope"),
        (put("properties", "delivery_tag", value=7), "no envelope"),
        (put("headers", "task", value="os.system"), "no task of this worker"),
        (put("headers", "eta", value="2030-01-01T00:00:00"), "a time of its own"),
        (put("headers", "timelimit", value=[None, 1]), "a time of its own"),
        (put("content-type", value="application/x-python-serialize"), "no JSON"),
        (put("properties", "body_encoding", value="utf-8"), "no base64"),
        (put("headers", "retries", value=1), "more than ids"),
        (put("body", value=body([[1], "bulk"], {"x": 1})), "more than ids"),
        (put("body", value=body([[1], "bulk"], chain=["other"])), "more than ids"),
        (put("body", value=body([[1], "slow"])), "no ids of a lane"),
        (put("body", value=body([["1"], "bulk"])), "no ids of a lane"),
        (put("body", value=body([[True], "bulk"])), "no ids of a lane"),
        (put("body", value=body([[0], "bulk"])), "no ids of a lane"),
        (put("body", value=body([[2**63], "bulk"])), "no ids of a lane"),
        (put("body", value=body([[1] * 10_001, "bulk"])), "no ids of a lane"),
        (put("body", value=body(["1", "bulk"])), "no ids of a lane"),
        (put("body", value=body([])), "ValueError"),
        (put("body", value="?"), "Error"),
        (put("headers", value=None), "TypeError"),
    ],
)
def test_what_no_publisher_of_ours_sends_is_a_fault_in_fixed_words(
    message: dict[str, Any], change: Callable[[dict[str, Any]], None], fault: str
) -> None:
    change(message)

    assert fault_of(message, "tickets.bulk") == fault


@pytest.mark.parametrize("garbage", [None, [], "text", 7, {}, {"headers": {}}])
def test_what_is_no_message_at_all_is_a_fault(garbage: object) -> None:
    assert fault_of(garbage, "tickets.bulk") in ("KeyError", "TypeError")


@pytest.mark.parametrize(
    ("task", "arguments", "fault"),
    [
        ("training.tasks.retrain", [], None),
        ("training.tasks.retrain", [[1], "bulk"], "more than a call"),
        ("worker.tasks.classify", [[1], "bulk"], "no task of this worker"),
    ],
)
def test_a_trainers_queue_takes_a_call_and_nothing_else(
    message: dict[str, Any], task: str, arguments: list[object], fault: str | None
) -> None:
    put("headers", "task", value=task)(message)
    put("body", value=body(arguments))(message)

    assert fault_of(message, "training") == fault
    if fault is None:  # and a lane takes no call
        assert fault_of(message, "tickets.bulk") == "no task of this worker"
