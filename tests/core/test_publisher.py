"""Publishing: ids in messages of bounded size, into lanes of bounded length."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from core.broker import CLASSIFY_TASK, RETRAIN_TASK
from core.errors import BrokerUnavailableError
from core.message import fault_of
from core.publisher import Publisher, call_trainers
from core.settings import Settings
from tests.support.make import messages


@pytest.fixture
def small(redis_url: str) -> Settings:
    return Settings(redis_url=redis_url, message_ids=10, lane_messages=3)


def test_a_message_has_at_most_so_many_ids_in_their_order(small: Settings) -> None:
    publisher = Publisher(small)

    assert publisher.publish({"bulk": range(25), "live": [99]}) == 26

    assert messages(publisher, "bulk") == [[*range(10)], [*range(10, 20)], [*range(20, 25)]]
    assert messages(publisher, "live") == [[99]]
    assert (publisher.depth("bulk"), publisher.depth("live")) == (3, 1)


def test_a_full_lane_takes_no_more_and_the_other_has_its_own_room(small: Settings) -> None:
    publisher = Publisher(small)
    publisher.publish({"bulk": range(25)})

    assert publisher.publish({"bulk": range(25, 50), "live": [99]}) == 1

    assert publisher.depth("bulk") == 3


def test_a_lane_with_little_room_takes_the_first_ids(small: Settings) -> None:
    publisher = Publisher(small)
    publisher.publish({"bulk": range(20)})

    assert publisher.publish({"bulk": range(100, 125)}) == 10

    assert messages(publisher, "bulk")[-1] == [*range(100, 110)]


def test_a_message_says_the_task_and_the_lane_and_nothing_else(small: Settings) -> None:
    publisher = Publisher(small)
    publisher.publish({"live": [1, 2]})

    waiting: Any = publisher.redis.lrange("tickets.live", 0, -1)

    [envelope] = map(json.loads, waiting)
    assert envelope["headers"]["task"] == CLASSIFY_TASK == "worker.tasks.classify"
    args, kwargs, embedded = json.loads(base64.b64decode(envelope["body"]))
    assert (args, kwargs, any(embedded.values())) == ([[1, 2], "live"], {}, False)


def test_publishing_goes_on_after_redis_lost_everything(small: Settings) -> None:
    publisher = Publisher(small)
    publisher.publish({"bulk": [1]})
    publisher.redis.flushall()

    assert publisher.publish({"bulk": [2]}) == 1

    assert messages(publisher, "bulk") == [[2]]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://user:hunter2@127.0.0.1:1/0", "Redis at 127.0.0.1:1/0 cannot be reached"),
        ("unix:///nowhere/r.sock", "Redis at unix:///nowhere/r.sock cannot be reached"),
        (None, "start it with 'paidan up'"),
    ],
)
def test_a_redis_that_is_away_is_named_without_its_password(
    tmp_path: Path, url: str | None, said: str
) -> None:
    publisher = Publisher(Settings(home=tmp_path, redis_url=url))

    with pytest.raises(BrokerUnavailableError, match=said) as away:
        publisher.publish({"bulk": [1]})

    assert "hunter2" not in str(away.value)


def test_trainers_are_called_by_a_message_that_says_no_more(small: Settings) -> None:
    call_trainers(small)

    redis = Publisher(small).redis
    assert redis.keys("*") == ["training"]
    waiting: Any = redis.lrange("training", 0, -1)
    message = json.loads(waiting[0])
    assert message["headers"]["task"] == RETRAIN_TASK
    assert fault_of(message, "training") is None
    assert json.loads(base64.b64decode(message["body"]))[:2] == [[], {}]


def test_trainers_that_cannot_be_called_are_told_of(tmp_path: Path) -> None:
    with pytest.raises(BrokerUnavailableError, match="cannot be reached"):
        call_trainers(Settings(redis_url="redis://127.0.0.1:1/0"))
