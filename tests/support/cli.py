"""Runs the command line in this process and returns what a shell would see."""

import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from core import broker, settings
from paidan.cli import main


@dataclass(frozen=True)
class Ran:
    """Exit code, standard output and standard error of a command."""

    code: int
    out: str
    err: str


class Cli:
    """``cli("push", file)`` runs ``paidan push FILE`` under the test's environment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Ran:
        settings.get_settings.cache_clear()
        broker.get_app.cache_clear()
        self._monkeypatch.setattr(sys, "argv", ["paidan", *map(str, arguments)])
        self._capsys.readouterr()
        with _hooks_kept(), pytest.raises(SystemExit) as exit_:
            main()
        captured = self._capsys.readouterr()
        return Ran(int(exit_.value.code or 0), captured.out, captured.err)


@contextmanager
def _hooks_kept() -> Iterator[None]:
    """Leave pytest what it put in the place of Python's own hooks."""
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning
    try:
        yield
    finally:
        logging.captureWarnings(False)
        sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning = hooks


def write(path: Path, content: str | bytes) -> Path:
    """Write a file and return its path."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def jsonl(path: Path, *rows: dict[str, object]) -> Path:
    """Write objects, one a line."""
    return write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
