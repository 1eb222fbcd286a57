"""A new calibration counts from the next batch on, with nothing loaded, in every state."""

import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from classifier.interface import Classifier
from db import Database
from db.models import Classification
from tests.support.calibrations import put_calibration, roll_back
from tests.support.make import add_tickets, add_units, promote_constant
from tests.support.recorder import Recorder
from worker.loop import ClaimLoop
from worker.resident import Resident
from worker.states import LoadingBeside, Outdated, Serving

OTHERS = ("B", "B", "A")


@pytest.fixture
def resident(database: Database, tmp_path: Path) -> Resident:
    add_units(database)
    return Resident(database, tmp_path)


@pytest.fixture
def served(resident: Resident, database: Database, tmp_path: Path) -> str:
    """The version that the resident serves. Its files are gone: nothing can be read again."""
    name = promote_constant(database, tmp_path)
    resident.refresh()
    shutil.rmtree(tmp_path / name)
    return name


def is_current(resident: Resident) -> bool:
    with resident.database.reading() as session:
        return resident.is_current(session)


def threshold(resident: Resident) -> float:
    assert resident.classifier is not None
    return resident.classifier.calibration.threshold


def test_a_new_calibration_is_applied_without_loading(resident: Resident, served: str) -> None:
    classifier, state = resident.classifier, resident.state
    assert is_current(resident)

    calibration = put_calibration(resident.database, served, threshold=0.9)

    assert not is_current(resident)
    assert resident.refresh() is classifier
    assert (resident.calibrated.id, threshold(resident)) == (calibration, 0.9)
    assert is_current(resident)
    assert resident.state is state


def test_a_rollback_returns_to_the_versions_own(resident: Resident, served: str) -> None:
    own = threshold(resident)
    put_calibration(resident.database, served, threshold=own / 2)
    resident.refresh()

    roll_back(resident.database, served)
    resident.refresh()

    assert (resident.calibrated.id, threshold(resident)) == (None, own)


def test_one_that_cannot_be_read_is_refused_once_and_the_one_before_serves_on(
    resident: Resident, served: str, caplog: pytest.LogCaptureFixture
) -> None:
    calibration = put_calibration(resident.database, served, threshold=0.9)
    resident.refresh()
    put_calibration(resident.database, served, temperature=-1)

    with caplog.at_level(logging.ERROR, "registry"):
        resident.refresh()
        resident.refresh()

    assert (resident.calibrated.id, threshold(resident)) == (calibration, 0.9)
    actions = [getattr(record, "action", "") for record in caplog.records]
    assert actions.count("calibration.refused") == 1


def test_an_outdated_version_is_recalibrated_too(
    resident: Resident, served: str, database: Database, tmp_path: Path
) -> None:
    second = promote_constant(database, tmp_path, OTHERS)
    (tmp_path / second / "prior.json").write_text("{}")
    resident.refresh()
    assert type(resident.state) is Outdated

    calibration = put_calibration(database, served, threshold=0.9)
    resident.refresh()

    assert (type(resident.state), resident.calibrated.id) == (Outdated, calibration)
    assert threshold(resident) == 0.9


def test_while_the_next_version_is_read_the_one_that_answers_is_recalibrated(
    resident: Resident,
    served: str,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a thread that reads the next version, and is not done
    held: list[Callable[[], Classifier]] = []
    monkeypatch.setattr(resident.loader, "shares_base", lambda *_: True)
    monkeypatch.setattr("worker.resident.BackgroundLoad", _Held(held))
    second = promote_constant(database, tmp_path, OTHERS)
    resident.refresh()
    assert type(resident.state) is LoadingBeside

    # When both versions get a calibration
    first = put_calibration(database, served, threshold=0.9)
    next_one = put_calibration(database, second, threshold=0.8)
    resident.refresh()

    # Then the one that answers decides by its own at once
    assert (resident.version, resident.calibrated.id) == (served, first)
    assert threshold(resident) == 0.9

    # And so does the other when it takes over
    held.clear()
    resident.refresh()
    assert (type(resident.state), resident.version) == (Serving, second)
    assert (resident.calibrated.id, threshold(resident)) == (next_one, 0.8)


class _Held:
    """Makes loads that are done once nothing is held any more."""

    def __init__(self, held: list[Callable[[], Classifier]]) -> None:
        self.held = held
        self.load: Callable[[], Classifier] | None = None

    def __call__(self, load: Callable[[], Classifier]) -> "_Held":
        self.load = load
        self.held.append(load)
        return self

    @property
    def is_done(self) -> bool:
        return not self.held

    def take(self) -> Classifier:
        assert self.load is not None
        return self.load()


@pytest.mark.parametrize(("fixture", "under_way"), [("model", 2), ("ahead", 4)])
def test_batches_that_are_under_way_are_stored_under_the_calibration_they_were_begun_with(
    loop: ClaimLoop,
    database: Database,
    request: pytest.FixtureRequest,
    fixture: str,
    under_way: int,
) -> None:
    # Given a model that is recalibrated while it works on the first batches, up to two of them
    loop.settings = loop.settings.model_copy(update={"max_batch": 2})
    model: Recorder = request.getfixturevalue(fixture)
    version = loop.resident.version
    assert version is not None
    made: list[int] = []

    def recalibrate(_texts: Sequence[str]) -> None:
        if not made:
            made.append(put_calibration(database, version, threshold=0.9))

    model.before = recalibrate

    # When all is worked off
    loop.run(add_tickets(database, 8), "bulk")

    # Then what is stored as decided by a calibration was decided by it
    with database.reading() as session:
        query = select(Classification.calibration_id, Classification.held_back)
        stored = session.execute(query.order_by(Classification.ticket_id)).all()
    assert [tuple(row) for row in stored] == [
        *[(None, None)] * under_way,
        *[(made[0], "doubtful")] * (8 - under_way),
    ]
