"""Fixtures: a file's place under the name of its format."""

from pathlib import Path

import pytest

from producer.files import json_window


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    return tmp_path / "tickets.csv"


@pytest.fixture
def jsonl_file(tmp_path: Path) -> Path:
    return tmp_path / "tickets.jsonl"


@pytest.fixture
def book_file(tmp_path: Path) -> Path:
    return tmp_path / "tickets.xlsx"


WINDOWS = [1, 2, 3, 7, 64, 1 << 16]


@pytest.fixture(params=WINDOWS)
def window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The reader's window, down to one character."""
    monkeypatch.setattr(json_window, "_CHUNK_CHARS", request.param)
    return int(request.param)


@pytest.fixture
def json_file(tmp_path: Path) -> Path:
    return tmp_path / "tickets.json"
