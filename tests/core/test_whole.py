"""A folder or a file is there whole or not at all."""

from pathlib import Path

import pytest

from core.whole import write_file, write_folder


def fill(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "words.txt").write_text("words")


def test_a_folder_is_written_with_all_that_fills_it(tmp_path: Path) -> None:
    write_folder(tmp_path / "above" / "it", fill)

    assert (tmp_path / "above" / "it" / "deep" / "words.txt").read_text() == "words"
    assert [path.name for path in (tmp_path / "above").iterdir()] == ["it"]


def test_what_is_there_is_not_overwritten_even_where_it_is_empty(tmp_path: Path) -> None:
    (tmp_path / "it").mkdir()

    with pytest.raises(FileExistsError, match="never overwritten"):
        write_folder(tmp_path / "it", fill)

    assert list((tmp_path / "it").iterdir()) == []


def test_a_folder_that_cannot_be_filled_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        fill(folder)
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write_folder(tmp_path / "it", fail)

    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_or_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "it"
    write_file(path, b"one")
    write_file(path, b"two")
    assert path.read_bytes() == b"two"

    path.unlink()
    path.mkdir()  # nothing can take its place
    with pytest.raises(OSError, match="it"):
        write_file(path, b"three")
    assert [one.name for one in tmp_path.iterdir()] == ["it"]
