"""One line a record: the message, what happened in fixed words, the other fields; and no value."""

import io
import logging
import subprocess
import sys
from typing import Any

import pytest

from core.broker import make_app
from core.logging import FieldFormatter
from core.settings import Settings
from tests.support.private import NUMBER, TEXT, marks_in


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


def fail(text: str) -> None:
    try:
        {}[text]
    except KeyError as error:
        raise RuntimeError(text) from error


def test_celery_tells_of_a_failed_task_without_its_arguments_or_its_errors_text(
    told: io.StringIO,
) -> None:
    app = make_app(Settings(redis_url="redis://nowhere.invalid"))

    @app.task(name="worker.tasks.test")
    def bad(_ids: str) -> None:
        fail(TEXT)

    assert bad.apply(args=[TEXT], kwargs={}).failed()
    consumer = logging.getLogger("celery.worker.consumer.consumer")
    consumer.critical("Can't decode message body: %r %s", ValueError(TEXT), TEXT)
    consumer.warning("body was: %(body)s, %(count)d", {"body": {"密": TEXT}, "count": 3})
    try:
        fail(TEXT)
    except RuntimeError as error:
        consumer.error(f"made before: {error} {error!r}")
    consumer.error("an ID number: %s", int(NUMBER))

    lines = told.getvalue()
    assert "Task worker.tasks.test[" in lines
    assert "RuntimeError\n" in lines
    assert "core/test_logging.py" in lines
    assert "body was: …, 3" in lines
    assert marks_in(lines) == []


_UNCAUGHT = """
import logging, sys, threading, warnings
from core.logging import configure
configure()
text = sys.argv[1]
def fail(): raise ValueError(text)
class Dying:
    def __del__(self): fail()
warnings.warn(text)
thread = threading.Thread(target=fail)
thread.start()
thread.join()
dying = Dying()
del dying
logging.getLogger("x").error("%d", text)
fail()
"""


def test_what_nobody_catches_is_told_by_its_kind() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _UNCAUGHT, TEXT], capture_output=True, text=True, check=False
    )

    assert ran.returncode == 1
    assert marks_in(ran.stderr + ran.stdout) == []
    told = ("kind=UserWarning", "a thread ended", "where none can be raised", "cannot be written")
    assert [
        what for what in (*told, "nobody expected", "ValueError") if what not in ran.stderr
    ] == []
