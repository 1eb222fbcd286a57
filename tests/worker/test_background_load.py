"""A version that a thread reads while another one answers."""

import threading
from typing import Any

import pytest

from core.errors import ModelVersionError
from tests.support.processes import wait_until
from worker.background_load import BackgroundLoad


def test_it_is_done_when_the_version_is_there() -> None:
    go_on = threading.Event()
    version: Any = object()

    def read() -> Any:
        assert go_on.wait(60)
        return version

    load = BackgroundLoad(read)
    assert not load.is_done

    go_on.set()
    assert load.take() is version
    assert load.is_done


def test_what_reading_raises_is_raised_where_it_is_taken() -> None:
    def read() -> Any:
        raise ModelVersionError("damaged")

    load = BackgroundLoad(read)
    wait_until(lambda: load.is_done, 60, "the thread has ended")

    for _ in range(2):
        with pytest.raises(ModelVersionError, match="damaged"):
            load.take()


def test_a_process_that_ends_does_not_wait_for_it() -> None:
    go_on = threading.Event()
    load = BackgroundLoad(lambda: go_on.wait(60))  # type: ignore[arg-type,return-value]
    try:
        [thread] = [t for t in threading.enumerate() if t.name == "model-load" and t.is_alive()]
        assert thread.daemon
    finally:
        go_on.set()
        load.take()
