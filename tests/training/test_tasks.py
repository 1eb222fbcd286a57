"""The task of a trainer says no more than "look"."""

import pytest

from core.broker import RETRAIN_TASK
from core.settings import Settings
from training import tasks


def test_the_task_has_the_name_that_is_sent_and_calls_the_trainer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tasks.called.clear()

    tasks.retrain()

    assert tasks.called.is_set()
    assert tasks.retrain.name == RETRAIN_TASK == "training.tasks.retrain"
    tasks.called.clear()


def test_its_messages_have_a_queue_and_keys_of_their_own() -> None:
    assert set(tasks.app.amqp.queues) == {"training"}
    options = tasks.app.conf.broker_transport_options
    assert options["unacked_key"] == "training.unacked"
    assert options["visibility_timeout"] == Settings().visibility
