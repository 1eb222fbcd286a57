"""The runs' tables are known, whatever of the record is imported."""

import subprocess
import sys

import pytest

from core.errors import RecordRefusedError
from db import Database, runs


def test_the_tables_are_known_with_the_first_import_of_the_record() -> None:
    program = "import db.session; from db.models import Base; print(*Base.metadata.tables)"
    known = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.split()

    assert {"runs", "run_points", "tickets"} <= set(known)


@pytest.mark.parametrize(
    ("kind", "asked_for"), [("magic", runs.HAND), ("linear", "fun")], ids=["kind", "asked_for"]
)
def test_what_is_no_run_is_refused(database: Database, kind: str, asked_for: str) -> None:
    with pytest.raises(RecordRefusedError), database.writing() as session:
        runs.ask(session, kind, {}, asked_for=asked_for, actor="ann")
