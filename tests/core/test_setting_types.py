"""Types of settings: what is taken stays as it was given, the rest is refused by a sentence."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from core.errors import SettingsError
from core.setting_types import (
    DatabaseUrl,
    Hours,
    MemorySize,
    RedisUrl,
    Schedule,
    TimeZone,
    WorkerName,
)
from core.settings import load_settings


def read(kind: Any, value: object) -> object:
    return TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (DatabaseUrl, "postgres://u:p@ss@h/d"),
        (RedisUrl, "redis://:a/b@h"),
        (WorkerName, ""),
        (WorkerName, "密" * 66),
        (TimeZone, "Asia/Shanghai"),
        (Schedule, ""),
        (Schedule, "90"),
        (Schedule, "23:59"),
        (Hours, ""),
        (Hours, "22:00-04:30"),
    ],
)
def test_a_text_that_is_taken_stays_as_it_was_given(kind: Any, value: str) -> None:
    assert read(kind, value) == value


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (DatabaseUrl, "mysql://h/d", "it names 'mysql'"),
        (RedisUrl, "http://h", "no URL of a Redis server"),
        (WorkerName, "a/b", "printable characters without '/'"),
        (WorkerName, "密" * 67, "at most 200 bytes"),
        (WorkerName, "a\n", "printable characters"),
        (WorkerName, "\ud800", "printable characters"),
        (TimeZone, "Mars/Olympus", "'Mars/Olympus' is no time zone"),
        (TimeZone, "../etc/passwd", "is no time zone"),
        (MemorySize, "lots", "'lots' is no size such as 20GiB"),
        (Schedule, "0", "neither minutes such as 360 nor a time of day"),
        (Schedule, "24:00", "neither minutes"),
        (Schedule, "3:00", "neither minutes"),
        (Schedule, "nightly", "neither minutes"),
        (Hours, "02:00", "is no span of the day such as 02:00-05:00"),
        (Hours, "2-5", "is no span of the day"),
        (Hours, "02:00-02:00", "is no span of the day"),
        (Hours, "02:00-24:00", "is no span of the day"),
    ],
)
def test_what_cannot_be_used_is_refused_by_a_sentence(kind: Any, value: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        read(kind, value)


@pytest.mark.parametrize(
    ("given", "taken"), [("20GiB", 20 * 2**30), ("8000MB", 8 * 10**9), (5, 5), (None, None)]
)
def test_a_size_is_bytes_or_has_its_unit(given: object, taken: int | None) -> None:
    assert read(MemorySize, given) == taken


def test_the_gpus_memory_is_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIDAN_GPU_MEMORY", "lots")
    with pytest.raises(SettingsError, match="PAIDAN_GPU_MEMORY: 'lots' is no size"):
        load_settings()

    monkeypatch.setenv("PAIDAN_GPU_MEMORY", "20GiB")
    assert load_settings().gpu_memory == 20 * 2**30
