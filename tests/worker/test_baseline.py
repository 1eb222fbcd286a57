"""Which linear version answers in an LLM's place."""

from pathlib import Path

import pytest

from db import Database, versions
from registry.registration import register
from tests.support.llm import themed_samples
from tests.support.make import UNITS, add_units, promote_constant
from training.linear.version import train_linear
from worker.baseline import load_baseline


def test_the_newest_linear_version_that_loads_is_taken(database: Database, tmp_path: Path) -> None:
    # Given a linear version, a newer one whose files are gone, and a version of another kind
    add_units(database)
    version = train_linear(themed_samples(), UNITS, models_dir=tmp_path)
    with database.writing() as session:
        register(session, version)
        versions.register(session, name="gone", kind="linear", manifest_sha256="0" * 64, metrics={})
    promote_constant(database, tmp_path)

    # When a baseline is looked for
    baseline = load_baseline(database, tmp_path)

    # Then the damaged one is passed over
    assert baseline is not None
    assert (baseline.version, baseline.kind) == (version.name, "linear")


def test_where_there_is_none_tickets_wait_and_the_log_says_what_to_do(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add_units(database)
    promote_constant(database, tmp_path)

    assert load_baseline(database, tmp_path) is None
    assert "paidan train --kind linear" in caplog.text
