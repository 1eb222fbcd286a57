"""The folder of all snapshots."""

import stat
from pathlib import Path

import pytest

from core.errors import StorageError
from training.snapshot.store import alone, newest_path, snapshots_in


def test_the_newest_is_the_one_with_the_highest_number(tmp_path: Path) -> None:
    assert newest_path(tmp_path / "none") is None
    names = [
        "000009-ffffffffffff",
        "1000000-000000000000",
        "seeds",
        ".000010-ffffffffffff.1.partial",
    ]
    for name in names:
        (tmp_path / name).mkdir()

    assert newest_path(tmp_path) == tmp_path / "1000000-000000000000"


def test_the_folder_is_its_owner_s_alone(tmp_path: Path) -> None:
    with alone(snapshots_in(tmp_path / "models")):
        pass

    mode = (tmp_path / "models" / "snapshots").stat().st_mode
    assert stat.S_IMODE(mode) == 0o700


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")

    with pytest.raises(StorageError, match="PAIDAN_MODELS_DIR"), alone(tmp_path / "models" / "s"):
        pass
