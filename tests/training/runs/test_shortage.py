"""A full disk is told as such, whatever library met it."""

import errno
from pathlib import Path

import pytest

from core.errors import InputError, StorageError
from core.settings import Settings
from training.runs.shortage import explain, is_of_a_full_disk
from training.runs.workplace import Workplace


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace(Settings(home=tmp_path), 3)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EFBIG, "File too large"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0"),
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_told_with_the_places_to_free(error: Exception, place: Workplace) -> None:
    told = explain(error, place)

    assert isinstance(told, StorageError)
    assert str(place.folder) in str(told)
    assert str(place.staging) in str(told)


def test_a_full_disk_behind_another_error_is_found(place: Workplace) -> None:
    error = ValueError("could not save")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")

    assert isinstance(explain(error, place), StorageError)


@pytest.mark.parametrize(
    "error",
    [ValueError("shapes differ"), OSError(errno.ENOENT, "No such file"), InputError("no samples")],
)
def test_other_errors_stay_what_they_are(error: Exception, place: Workplace) -> None:
    assert explain(error, place) is error
    assert not is_of_a_full_disk(error)
