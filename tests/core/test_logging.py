"""One line a record: the message, then what happened in fixed words, then the other fields."""

import logging
from typing import Any

import pytest

from core.logging import FieldFormatter


def line(name: str, message: str, **extra: Any) -> str:
    """What a record says behind its time."""
    record = logging.getLogger(name).makeRecord(
        name, logging.INFO, __file__, 1, message, (), None, extra=extra
    )
    return FieldFormatter().format(record).partition(" ")[2]


def test_the_action_stands_first_behind_the_message_and_the_others_keep_their_order() -> None:
    told = line("worker.loop", "message done", lane="bulk", ids=3, action="message.done")

    assert told == "INFO worker.loop: message done action=message.done lane=bulk ids=3"


def test_a_record_without_fields_is_its_message() -> None:
    assert line("worker.loop", "message done") == "INFO worker.loop: message done"


@pytest.mark.parametrize("value", ["我叫张三", "message.done", 110101199001019876])
def test_a_librarys_action_is_left_out_like_all_it_fills_in(value: object) -> None:
    assert line("celery.worker", "done", action=value) == "INFO celery.worker: done action=…"
