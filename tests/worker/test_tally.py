"""What a worker counts for its heartbeat."""

import time

import pytest

from worker.tally import Tally


def test_before_the_first_batch_progress_has_no_age() -> None:
    assert Tally().age is None


def test_the_age_counts_from_the_last_batch_that_was_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    tally = Tally()

    tally.add(3)
    now = 110.0
    tally.add(0)  # a batch whose claims were lost is progress all the same
    now = 112.5

    assert (tally.classified, tally.age) == (3, 2.5)
