"""A folder or a file is there whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from core.whole import replacing, write_file, write_folder
from tests.support.full_disk import files_up_to


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


def test_a_users_file_is_replaced_when_the_block_ends(tmp_path: Path) -> None:
    path, link = tmp_path / "it", tmp_path / "link"
    path.write_text("one")
    link.symlink_to(path)

    with replacing(link) as partial:
        partial.write_text("two")
        assert path.read_text() == "one"

    assert (path.read_text(), link.is_symlink()) == ("two", True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask()


def umask() -> int:
    found = os.umask(0)
    os.umask(found)
    return found


def test_a_users_file_stays_as_it_was_where_the_block_fails(tmp_path: Path) -> None:
    path = tmp_path / ("长" * 80)  # whose name has no room for more
    path.write_text("one")

    with files_up_to(1), pytest.raises(OSError, match="too large"), replacing(path) as partial:
        partial.write_text("two")

    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_file_is_written_as_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    with replacing(pipe) as partial:
        partial.write_text("told")

    assert os.read(reader, 9) == b"told"
    assert pipe.is_fifo()
    os.close(reader)


def test_a_file_in_a_folder_that_is_missing_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "none" / "it") as partial:
        partial.write_text("two")

    assert list(tmp_path.iterdir()) == []
