"""A run's folders: made anew for each attempt but for what it goes on from, and gone at the end."""

import stat
from pathlib import Path

import pytest

from core.errors import StorageError
from core.settings import Settings
from training.runs.workplace import Workplace, left_behind


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    place = Workplace(Settings(home=tmp_path / "home"), 7)
    place.prepare()
    return place


def test_an_attempt_finds_what_it_goes_on_from_and_nothing_half_done(place: Workplace) -> None:
    for folder in (place.checkpoints, place.temporary, place.staging):
        (folder / "something").write_text("x")
    place.points.write_text("x")

    place.prepare()

    assert (place.checkpoints / "something").exists()
    assert place.points.exists()
    assert list(place.temporary.iterdir()) == list(place.staging.iterdir()) == []
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700


def test_a_run_that_has_ended_leaves_nothing(place: Workplace, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    with place.lock():
        assert left_behind(settings) == [7]

        place.clear()

    assert left_behind(settings) == []
    assert [path for path in (tmp_path / "home").rglob("*") if path.is_file()] == []
    assert not place.staging.exists()


def test_the_version_that_was_made_is_known_by_name(place: Workplace) -> None:
    assert place.made_version() is None
    place.made.write_text("")  # of a process that died while it wrote
    assert place.made_version() is None
    place.made.write_text("linear-1")
    assert place.made_version() == "linear-1"


def test_checkpoints_of_other_data_are_forgotten(place: Workplace) -> None:
    assert place.checkpoint_step() is None
    (place.checkpoints / "checkpoint-40").mkdir()
    place.note_checkpoint(40)
    assert place.checkpoint_step() == 40

    place.forget_checkpoints()

    assert place.checkpoint_step() is None
    assert list(place.checkpoints.iterdir()) == []


def test_one_process_works_there(place: Workplace) -> None:
    with place.lock():
        assert not place.lock().try_acquire()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("in the way")

    with pytest.raises(StorageError, match="models"):
        Workplace(Settings(home=tmp_path / "h", models_dir=tmp_path / "models"), 1).prepare()
