"""A real worker takes a new calibration between two batches, with the version's files gone."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.publisher import Publisher
from core.settings import Settings
from db import Database
from db.models import Classification
from producer import Submitter
from tests.support.calibrations import put_calibration, roll_back
from tests.support.make import add_units, new_ticket, promote_constant
from tests.support.processes import wait_until, worker

pytestmark = pytest.mark.kill

EACH = 50


def stored(database: Database) -> list[tuple[int | None, str | None, int]]:
    """How many answers were decided by which calibration, and why they were held back."""
    found = Classification.calibration_id, Classification.held_back
    query = select(*found, func.count()).group_by(*found).order_by(func.min(Classification.id))
    with database.reading() as session:
        return [(row[0], row[1], row[2]) for row in session.execute(query)]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # tests/worker has both
def test_a_worker_takes_calibrations_and_rollbacks_without_reading_the_version(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    add_units(database)
    version = promote_constant(database, settings.resolved_models_dir)
    submitter = Submitter(database, Publisher(settings), ())
    sent = 0

    def answer_more() -> None:
        nonlocal sent
        submitter.submit([new_ticket(n) for n in range(sent, sent + EACH)])
        sent += EACH
        wait_until(
            lambda: sum(count for *_, count in stored(database)) == sent, 60, "all is answered"
        )

    with worker(settings, tmp_path / "worker.log"):
        answer_more()
        shutil.rmtree(settings.resolved_models_dir / version)
        calibration = put_calibration(database, version, threshold=0.9)
        answer_more()
        roll_back(database, version)
        answer_more()

    assert stored(database) == [(None, None, 2 * EACH), (calibration, "doubtful", EACH)]
