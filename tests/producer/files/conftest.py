"""Fixtures: a file's place under the name of its format."""

from pathlib import Path

import pytest


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    return tmp_path / "tickets.csv"


@pytest.fixture
def jsonl_file(tmp_path: Path) -> Path:
    return tmp_path / "tickets.jsonl"


@pytest.fixture
def book_file(tmp_path: Path) -> Path:
    return tmp_path / "tickets.xlsx"
