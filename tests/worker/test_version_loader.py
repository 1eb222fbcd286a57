"""How a version is loaded or refused, and what that says of the GPU."""

from pathlib import Path
from typing import Any

import pytest

from classifier.loading import DEFAULTS
from core.errors import DatabaseUnavailableError, DeviceError
from db import Database, versions
from tests.support.make import add_units, promote_constant
from worker.version_loader import LLM, VersionLoader


@pytest.fixture
def name(database: Database, tmp_path: Path) -> str:
    add_units(database)
    return promote_constant(database, tmp_path)


@pytest.fixture
def loader(database: Database, tmp_path: Path) -> VersionLoader:
    return VersionLoader(database, tmp_path, DEFAULTS, lambda: True)


def add_llm(database: Database) -> str:
    """Enter an LLM version that has no files."""
    with database.writing() as session:
        versions.register(session, name="llm-1", kind=LLM, manifest_sha256="0" * 64, metrics={})
    return "llm-1"


def fail_with(loader: VersionLoader, monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    def read(_name: str) -> Any:
        raise fault

    monkeypatch.setattr(loader, "read", read)


def test_a_registered_version_is_loaded(loader: VersionLoader, name: str) -> None:
    loaded = loader.load(name, None, None)

    assert loaded is not None
    assert loaded.version == name


def test_a_damaged_version_is_refused_and_the_log_says_who_serves_on(
    loader: VersionLoader, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    (loader.models_dir / name / "prior.json").write_text("{}")

    assert loader.load(name, None, "the one before") is None

    assert "version refused, the one before serves on" in caplog.text
    assert not loader.gpu_failed


def test_an_llm_is_not_loaded_while_its_gpu_is_gone(
    loader: VersionLoader, database: Database
) -> None:
    loader.gpu_is_present = lambda: False

    assert loader.load(add_llm(database), None, None) is None
    assert loader.gpu_failed


@pytest.mark.parametrize(
    ("fault", "pinned", "failed"),
    [
        (DeviceError("no memory is left"), False, True),
        (RuntimeError("CUDA error"), True, True),
        (RuntimeError("something else"), False, False),
    ],
)
def test_a_fault_that_may_pass_is_told_apart_from_one_of_the_gpu(
    loader: VersionLoader,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
    pinned: bool,
    failed: bool,
) -> None:
    monkeypatch.setattr("worker.gpu.is_pinned", lambda: pinned)
    fail_with(loader, monkeypatch, fault)

    assert loader.load(name, None, None) is None
    assert loader.gpu_failed is failed


def test_a_database_that_is_away_refuses_no_version(
    loader: VersionLoader, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(loader, monkeypatch, DatabaseUnavailableError("gone"))

    with pytest.raises(DatabaseUnavailableError):
        loader.load(name, None, None)
    assert not loader.gpu_failed


def test_only_an_llm_beside_an_llm_may_need_the_gpu_alone(
    loader: VersionLoader, name: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.gpu.is_pinned", lambda: True)
    constant = loader.read(name)

    assert not loader.needs_gpu_alone(None, add_llm(database))
    assert not loader.needs_gpu_alone(constant, "llm-1")
