"""A database that is away is waited for; other faults are not."""

import io

import pytest

from core.errors import DatabaseUnavailableError, InputError, StorageError
from training.runs.patience import patiently


def test_an_action_is_tried_until_the_database_is_there_and_told_of_once(
    told: io.StringIO,
) -> None:
    faults = [DatabaseUnavailableError("away"), StorageError("full"), DatabaseUnavailableError("x")]

    def act() -> str:
        if faults:
            raise faults.pop(0)
        return "done"

    assert patiently(act, 0) == "done"
    assert told.getvalue().count("action=database.awaited") == 1


def test_another_fault_is_raised_at_once() -> None:
    tries = []

    def act() -> None:
        tries.append(1)
        raise InputError("bad")

    with pytest.raises(InputError):
        patiently(act, 0)
    assert len(tries) == 1


def test_a_full_disk_is_not_waited_out_where_files_are_written() -> None:
    def act() -> None:
        raise StorageError("full")

    with pytest.raises(StorageError):
        patiently(act, 0, faults=(DatabaseUnavailableError,))


def test_the_fault_is_raised_where_nobody_waits_any_longer() -> None:
    def act() -> None:
        raise DatabaseUnavailableError("away")

    with pytest.raises(DatabaseUnavailableError):
        patiently(act, 0, lambda: True)
