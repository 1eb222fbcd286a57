"""The transitions between the states of the resident model, as its drawing has them."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from classifier.interface import Classifier
from core.errors import DatabaseUnavailableError
from db import Database, taxonomy, versions
from tests.support.make import add_units, promote_constant
from tests.support.processes import wait_until
from worker.resident import Resident
from worker.states import AwaitingProcess, Empty, LoadingBeside, Outdated, Serving

OTHERS = ("B", "B", "A")


@pytest.fixture
def resident(database: Database, tmp_path: Path) -> Resident:
    add_units(database)
    return Resident(database, tmp_path)


@pytest.fixture
def promote(database: Database, tmp_path: Path) -> Callable[..., str]:
    """Makes a new version champion and returns its name."""

    def promoted(answers: tuple[str, ...] = ("A", "A", "B")) -> str:
        return promote_constant(database, tmp_path, answers)

    return promoted


class Gate:
    """Versions share a base here, so that a thread reads them; it waits until this is open."""

    def __init__(self, resident: Resident, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fault: Exception | None = None
        self._open = threading.Event()
        self._resident = resident
        read = resident.loader.read

        def waiting(name: str) -> Classifier:
            assert self._open.wait(60)
            if self.fault:
                raise self.fault
            return read(name)

        monkeypatch.setattr(resident.loader, "shares_base", lambda *_: True)
        monkeypatch.setattr(resident.loader, "read", waiting)

    def open(self) -> None:
        self._open.set()
        state = self._resident.state
        assert isinstance(state, LoadingBeside)
        wait_until(lambda: state.load.is_done, 60, "the thread has read the version")


def let_retry(resident: Resident) -> None:
    """Let the time pass until a retry is due."""
    resident.state = replace(resident.state, retry_at=0.0)


def test_empty_stays_until_a_version_is_promoted(
    resident: Resident, promote: Callable[..., str]
) -> None:
    assert resident.refresh() is None
    assert type(resident.state) is Empty

    name = promote()
    resident.refresh()
    assert (type(resident.state), resident.version) == (Serving, name)


def test_a_refused_champion_leaves_the_one_before_outdated_until_it_is_taken_back(
    resident: Resident, promote: Callable[..., str], database: Database
) -> None:
    first = promote()
    resident.refresh()
    second = promote(OTHERS)
    (resident.models_dir / second / "prior.json").write_text("{}")
    resident.refresh()
    assert (type(resident.state), resident.version) == (Outdated, first)

    with database.writing() as session:
        versions.rollback(session, actor="test")
    resident.refresh()

    assert (type(resident.state), resident.version) == (Serving, first)


def test_a_changed_taxonomy_is_answered_for_at_once(
    resident: Resident,
    promote: Callable[..., str],
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Though the version shares the base, no thread loads it while the old units answer."""
    monkeypatch.setattr(resident.loader, "shares_base", lambda *_: True)
    promote()
    before = resident.refresh()
    with database.writing() as session:
        taxonomy.import_units(session, [taxonomy.UnitRecord("D", "丁局")], actor="test")

    after = resident.refresh()

    assert type(resident.state) is Serving
    assert after is not before
    assert "D" in resident.active_units


def test_beside_the_one_that_answers_the_next_is_loaded_and_takes_over(
    resident: Resident, promote: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = promote()
    resident.refresh()
    gate = Gate(resident, monkeypatch)
    second = promote(OTHERS)
    resident.refresh()
    assert (type(resident.state), resident.version) == (LoadingBeside, first)

    gate.open()
    resident.refresh()

    assert (type(resident.state), resident.version) == (Serving, second)


def test_what_a_thread_could_not_read_is_tried_by_another_one_when_a_retry_is_due(
    resident: Resident, promote: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = promote()
    resident.refresh()
    gate = Gate(resident, monkeypatch)
    second = promote(OTHERS)
    resident.refresh()

    gate.fault = RuntimeError("a driver's")
    gate.open()
    resident.refresh()
    assert (type(resident.state), resident.version) == (Outdated, first)

    gate.fault = None
    let_retry(resident)
    resident.refresh()
    gate.open()
    resident.refresh()
    assert (type(resident.state), resident.version) == (Serving, second)


def test_a_database_that_was_away_while_a_thread_read_is_no_endless_fault(
    resident: Resident, promote: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = promote()
    resident.refresh()
    gate = Gate(resident, monkeypatch)
    promote(OTHERS)
    resident.refresh()
    gate.fault = DatabaseUnavailableError("gone")
    gate.open()

    with pytest.raises(DatabaseUnavailableError):
        resident.refresh()
    resident.refresh()

    assert (type(resident.state), resident.version) == (Outdated, first)


def test_a_champion_that_moves_while_a_thread_reads_is_loaded_after_it(
    resident: Resident, promote: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    promote()
    resident.refresh()
    gate = Gate(resident, monkeypatch)
    promote(OTHERS)
    resident.refresh()
    third = promote(("C", "C", "A"))
    resident.refresh()
    gate.open()

    resident.refresh()
    gate.open()
    resident.refresh()

    assert (type(resident.state), resident.version) == (Serving, third)


def test_a_model_that_failed_is_let_go_and_loaded_when_a_retry_is_due(
    resident: Resident, promote: Callable[..., str]
) -> None:
    name = promote()
    resident.refresh()

    resident.drop()
    assert resident.refresh() is None
    assert type(resident.state) is Empty

    let_retry(resident)
    resident.refresh()
    assert (type(resident.state), resident.version) == (Serving, name)


def test_an_outdated_model_that_fails_leaves_nothing(
    resident: Resident, promote: Callable[..., str]
) -> None:
    promote()
    resident.refresh()
    second = promote(OTHERS)
    (resident.models_dir / second / "prior.json").write_text("{}")
    resident.refresh()

    resident.drop()

    assert resident.refresh() is None
    assert type(resident.state) is Empty


def test_a_model_that_fails_while_the_next_is_loaded_leaves_that_to_come(
    resident: Resident, promote: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    promote()
    resident.refresh()
    gate = Gate(resident, monkeypatch)
    second = promote(OTHERS)
    resident.refresh()

    resident.drop()
    assert resident.refresh() is None
    assert type(resident.state) is LoadingBeside

    gate.open()
    resident.refresh()
    assert (type(resident.state), resident.version) == (Serving, second)


@pytest.fixture
def failed_gpu(
    resident: Resident, promote: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> str:
    """The GPU failed when the champion was loaded; returns the version before."""
    first = promote()
    resident.refresh()
    monkeypatch.setattr("worker.gpu.is_pinned", lambda: True)

    def broken(_name: str) -> Any:
        raise RuntimeError("CUDA error")

    promote(OTHERS)
    with monkeypatch.context() as patch:
        patch.setattr(resident.loader, "read", broken)
        resident.refresh()
    assert (type(resident.state), resident.version) == (Outdated, first)
    return first


def test_after_a_fault_of_the_gpu_a_retry_waits_for_the_card_and_asks_for_a_new_process(
    resident: Resident, failed_gpu: str
) -> None:
    resident.loader.gpu_is_present = lambda: False
    let_retry(resident)
    resident.refresh()
    assert not resident.needs_new_process

    resident.loader.gpu_is_present = lambda: True
    let_retry(resident)
    resident.refresh()

    assert type(resident.state) is AwaitingProcess
    assert resident.version == failed_gpu  # until the process ends


def test_a_process_that_is_to_end_does_so_though_another_champion_loads(
    resident: Resident, failed_gpu: str, promote: Callable[..., str]
) -> None:
    let_retry(resident)
    resident.refresh()
    assert resident.needs_new_process

    third = promote(("C", "C", "A"))
    resident.refresh()
    assert (resident.needs_new_process, resident.version) == (True, third)

    resident.drop()
    assert (resident.needs_new_process, resident.version) == (True, None)
