"""How a worker starts: one at a time under its name, on one device."""

import threading
from pathlib import Path

import pytest

from core import process
from core.errors import AlreadyRunningError, DeviceError
from core.process import RoleLock
from core.settings import Settings
from worker.main import run_worker


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "run" / "w.lock"


def test_a_name_that_lives_is_refused_with_what_to_do(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "WAIT_FOR_PREDECESSOR_S", 0.0)
    with RoleLock(path, "worker 'w'"):
        with pytest.raises(AlreadyRunningError, match="PAIDAN_WORKER_NAME") as caught:
            RoleLock(path, "worker 'w'").succeed("PAIDAN_WORKER_NAME")

        assert "worker 'w' is running on this machine already" in str(caught.value)


def test_a_predecessor_that_ends_within_moments_is_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "WAIT_FOR_PREDECESSOR_S", 60.0)
    before, after = RoleLock(path, "worker 'w'").acquire(), RoleLock(path, "worker 'w'")
    threading.Timer(0.2, before.release).start()

    after.succeed("PAIDAN_WORKER_NAME")

    assert not before.try_acquire()
    after.release()


def test_a_worker_without_the_gpu_it_was_told_to_take_takes_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.gpu.list_gpus", list)

    with pytest.raises(DeviceError, match="no NVIDIA GPU is visible"):
        run_worker(Settings(home=tmp_path), wanted_gpu="0")

    assert not (tmp_path / "run").exists()
