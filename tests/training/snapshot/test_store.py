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


def test_what_was_left_half_done_goes_and_a_link_alone_of_a_link(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "snapshots", tmp_path / "elsewhere"
    for made in (folder / ".000001-aa.0.partial", folder / "seeds", elsewhere):
        made.mkdir(parents=True)
        (made / "it").touch()
    (folder / "seeds" / ".x.parquet.0.partial").touch()
    (folder / ".000002-bb.0.partial").symlink_to(elsewhere)

    with alone(folder):
        assert not [path for path in folder.rglob(".*") if path.name != ".lock"]

    assert (elsewhere / "it").is_file()
