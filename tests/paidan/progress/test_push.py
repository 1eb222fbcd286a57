"""The progress of a push: the bar on a terminal, and the wait for answers."""

import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from db import Database
from paidan.progress.push import PushProgress
from tests.support.answers import add_version, answer_next, kill_next
from tests.support.make import add_tickets, add_units


def test_progress_on_a_terminal_is_a_bar(tmp_path: Path) -> None:
    """On a real pseudo-terminal, where the bar is drawn."""
    (tmp_path / "tickets.csv").write_text("text\n路灯不亮了\n自来水浑浊\n你好\n", "utf-8")
    terminal, inside = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "paidan", "push", str(tmp_path / "tickets.csv")],
        stdout=inside,
        stderr=inside,
    ) as process:
        code = process.wait(60)
    os.close(inside)
    shown = os.read(terminal, 100_000).decode()
    os.close(terminal)

    assert code == 0, shown
    assert "submitted" in shown
    assert "━" in shown
    assert "added 3" in shown


def test_it_waits_until_every_ticket_has_an_answer_and_counts_them(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    add_units(database)
    add_version(database, "v")
    ids = add_tickets(database, 3)
    answer_next(database, "A")
    answer_next(database, "A", held_back="doubtful")
    later = threading.Timer(0.2, kill_next, (database,))
    later.start()

    with PushProgress(quiet=True) as progress:
        progress.submitted(3)
        counts = progress.wait(database, ids)

    later.join()
    assert counts == {"routed": 1, "review": 1, "dead": 1}
    assert capsys.readouterr() == ("", "")
