"""Curves for other programs: written where the home is, and never sent anywhere by default."""

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from core.settings import Settings
from db.run_points import Point
from training.runs.reporting import report_for

POINT = Point(5, 1.5, loss=2.0)


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    """Put a module of the test's own in the place of a library that may not be installed."""
    module = types.ModuleType(name)
    module.__dict__.update(members)
    monkeypatch.setitem(sys.modules, name, module)


def test_by_default_nobody_else_is_told(tmp_path: Path) -> None:
    report_for(Settings(home=tmp_path / "home"), 7)(POINT)

    assert not (tmp_path / "home").exists()


def test_tensorboard_gets_each_value_that_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[object, ...]] = []

    class SummaryWriter:
        def __init__(self, folder: str) -> None:
            told.append((folder,))

        def add_scalar(self, *given: object) -> None:
            told.append(given)

        def flush(self) -> None:
            return

    stand_in(monkeypatch, "torch.utils.tensorboard", SummaryWriter=SummaryWriter)

    report_for(Settings(home=tmp_path, report_to="tensorboard"), 7)(POINT)

    folder = str(tmp_path / "reports" / "run-7")
    assert told == [(folder,), ("seconds", 1.5, 5), ("loss", 2.0, 5)]


@pytest.mark.parametrize(("given", "mode"), [(None, "offline"), ("online", "online")])
def test_wandb_stays_offline_unless_an_operator_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, mode: str
) -> None:
    told: list[dict[str, object]] = []

    class Run:
        def log(self, values: dict[str, object], step: int) -> None:
            told.append(values | {"step": step})

    def init(**options: object) -> Run:
        told.append(options)
        return Run()

    stand_in(monkeypatch, "wandb", init=init)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    if given:
        monkeypatch.setenv("WANDB_MODE", given)

    report_for(Settings(home=tmp_path, report_to="wandb"), 7)(POINT)

    assert told[0]["mode"] == mode
    assert told[0]["dir"] == str(tmp_path / "reports" / "run-7")
    assert told[1] == {"seconds": 1.5, "loss": 2.0, "step": 5}


def test_a_library_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)

    with pytest.raises(InputError, match="pip install wandb"):
        report_for(Settings(home=tmp_path, report_to="wandb"), 7)


def test_a_reporter_that_dies_ends_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[int] = []

    class Run:
        def log(self, _: dict[str, object], step: int) -> None:
            told.append(step)
            raise BrokenPipeError

    stand_in(monkeypatch, "wandb", init=lambda **_: Run())
    report = report_for(Settings(home=tmp_path, report_to="wandb"), 7)

    report(POINT)
    report(POINT)

    assert told == [5]
    assert "no more points are reported: BrokenPipeError" in caplog.text
