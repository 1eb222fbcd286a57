"""An export to a reader that is slow, goes away or cannot take more, and a database that fails."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from db import Database
from tests.support.cli import Cli
from tests.support.make import add_tickets

# More than two pages, and more than a pipe holds.
_TICKETS = 2_100


class Pausing(io.RawIOBase):
    """A reader that does something in the middle of the export, between two of its pages."""

    def __init__(self, pause: Callable[[], None]) -> None:
        super().__init__()
        self._pause = pause
        self.lines = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        before = self.lines
        self.lines += bytes(data).count(b"\n")
        if before <= 1_000 < self.lines:
            self._pause()
        return len(data)


@pytest.fixture(autouse=True)
def _world(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIDAN_DATABASE_URL", database.url.render_as_string(hide_password=False))
    add_tickets(database, _TICKETS)


def export_to(
    monkeypatch: pytest.MonkeyPatch, cli: Cli, pause: Callable[[], None]
) -> tuple[int, str, int]:
    """Print an export; return its exit code, what it said, and how many lines came."""
    reader = Pausing(pause)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(reader)))
        ran = cli("export", "-")
        sys.stdout.flush()
    return ran.code, ran.err, reader.lines


def end_other_sessions(database: Database) -> None:
    """Do what PostgreSQL does to transactions that idle for too long, but at once."""
    with database.engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND state = 'idle in transaction'"
            )
        )


def test_a_reader_that_pauses_gets_all_rows_and_holds_nothing_open(
    cli: Cli, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_transactions: list[int] = []

    def pause() -> None:
        with database.engine.connect() as connection:
            if database.engine.dialect.name == "postgresql":
                held = "state = 'idle in transaction' AND pid <> pg_backend_pid()"
                query = f"SELECT count(*) FROM pg_stat_activity WHERE {held}"
                count = connection.execute(
                    text(f"{query} AND datname = current_database()")
                ).scalar_one()
            else:  # a reader's transaction keeps the log from being emptied
                connection.rollback()
                count = connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[
                    0
                ]
            open_transactions.append(count)
        if database.engine.dialect.name == "postgresql":
            end_other_sessions(database)

    code, said, lines = export_to(monkeypatch, cli, pause)

    assert (code, lines) == (0, _TICKETS), said
    assert open_transactions == [0]


@pytest.mark.parametrize("target", ["-", "file"])
def test_an_export_that_fails_in_the_middle_is_an_error(
    cli: Cli, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, target: str
) -> None:
    def break_the_record() -> None:
        with database.writing() as session:
            session.execute(text("ALTER TABLE classifications RENAME TO gone"))

    if target == "-":
        code, said, lines = export_to(monkeypatch, cli, break_the_record)
        assert lines < _TICKETS
    else:
        from paidan.cli import sheets

        written = sheets.make_inert

        def breaking(row: Any) -> Any:
            if row["external_id"] == "t1000":
                break_the_record()
            return written(row)

        monkeypatch.setattr(sheets, "make_inert", breaking)
        (tmp_path / "x.csv").write_text("old")
        ran = cli("export", tmp_path / "x.csv")
        code, said = ran.code, ran.err
        assert [path.name for path in tmp_path.glob("*.csv")] == ["x.csv"]
        assert (tmp_path / "x.csv").read_text() == "old"
        assert list(tmp_path.glob(".paidan-export*")) == []

    assert code == 1
    assert said.startswith("paidan: database")
    assert "exported" not in said


def _run(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, "PAIDAN": f"{sys.executable} -m paidan"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_reader_that_has_seen_enough_ends_the_export_quietly() -> None:
    ran = _run("$PAIDAN export - | head -n 1; exit ${PIPESTATUS[0]}")

    assert (ran.returncode, ran.stderr) == (141, "")
    assert json.loads(ran.stdout)["external_id"] == "t1"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_output_that_is_full_is_told() -> None:
    ran = _run("$PAIDAN export - > /dev/full")

    assert (ran.returncode, ran.stderr) == (
        1,
        "paidan: standard output cannot be written: No space left on device\n",
    )
