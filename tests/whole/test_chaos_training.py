"""What the sieges of ``tests/whole/chaos_training`` measure; short ones: ``test_training_runs``."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.whole.chaos_training.strikes import (
    CHILD,
    DATABASE,
    PARENT,
    REDIS,
    Outage,
    Strike,
    count_hits,
    uncovered,
)

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("outages", "waited"),
    [
        ([], 10),
        ([(2, 5)], 7),
        ([(-3, 1), (9, 20)], 8),
        ([(4, 8), (2, 6)], 4),  # overlapping ones count once
        ([(1, 9), (3, 4)], 2),
        ([(-5, 15)], 0),
        ([(12, 15)], 10),
    ],
)
def test_a_ticket_waited_for_the_time_that_no_outage_covers(
    outages: list[tuple[float, float]], waited: float
) -> None:
    given = [Outage(at(began), at(ended)) for began, ended in outages]

    assert uncovered(at(0), at(10), given) == waited


def test_a_run_is_hit_by_kills_of_its_process_and_of_its_trainer_alone() -> None:
    strikes = [Strike(what, 7, None) for what in (CHILD, PARENT, REDIS, DATABASE)]

    assert count_hits([*strikes, Strike(CHILD, 8, 3)]) == {7: 2, 8: 1}
