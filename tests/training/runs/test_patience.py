"""A database that is away is waited for; other faults are not."""

import io

import pytest

from core.errors import DatabaseUnavailableError, InputError, StorageError
from training.runs.patience import MOST_REFUSALS, patiently


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


def test_what_a_database_that_is_there_refuses_for_long_is_raised() -> None:
    # Given a database that answers at every second look
    looks, tries = [0], [0]

    def flaps() -> bool:
        looks[0] += 1
        return looks[0] % 2 == 0

    def act() -> str:
        tries[0] += 1
        if tries[0] <= 3 * MOST_REFUSALS:
            raise DatabaseUnavailableError("57014: canceling statement due to statement timeout")
        return "done"

    # Then an action that fails is tried on, and is not where it always answers
    assert patiently(act, 0, answers=flaps) == "done"
    tries[0] = 0
    with pytest.raises(DatabaseUnavailableError, match="57014"):
        patiently(act, 0, answers=lambda: True)
    assert tries[0] == MOST_REFUSALS


def test_a_database_without_room_is_waited_for_though_it_answers() -> None:
    tries = [0]

    def act() -> str:
        tries[0] += 1
        if tries[0] <= 2 * MOST_REFUSALS:
            raise StorageError("the disk is full")
        return "done"

    assert patiently(act, 0, answers=lambda: True) == "done"
