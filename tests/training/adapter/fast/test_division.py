"""A step is divided as memory asks, and as cheaply as can be."""

import math

import pytest

from core.errors import DeviceError
from training.adapter.fast.division import Part, divide
from training.adapter.fast.memory import Costs

COSTS = Costs(layers=10, kept=100.0, bound=10.0, worked=50.0, fixed=0.0)
OWN = [700, 50, 300, 250, 100, 600]
SHARED = 300


def tokens(part: Part) -> int:
    return SHARED + sum(OWN[n] for n in part.members)


def test_what_fits_is_one_micro_batch() -> None:
    assert divide(OWN, SHARED, COSTS, math.inf) == [Part((0, 1, 2, 3, 4, 5), 0)]


@pytest.mark.parametrize("share", [0.9, 0.6, 0.35, 0.2])
def test_each_sample_is_in_one_micro_batch_and_each_of_these_fits(share: float) -> None:
    room = share * COSTS.bytes(SHARED + sum(OWN), 0)

    parts = divide(OWN, SHARED, COSTS, room)

    assert sorted(n for part in parts for n in part.members) == list(range(6))
    assert all(COSTS.bytes(tokens(part), part.recomputed) <= room for part in parts)
    assert len(parts) > 1 or parts[0].recomputed > 0


def test_a_few_layers_are_recomputed_before_the_prefix_is_read_twice() -> None:
    short_by_little = COSTS.bytes(SHARED + sum(OWN), 3)

    assert divide(OWN, SHARED, COSTS, short_by_little) == [Part((0, 1, 2, 3, 4, 5), 3)]


def test_with_a_short_prefix_a_step_of_long_samples_is_rather_divided() -> None:
    own = [4000, 4000]

    parts = divide(own, 10, COSTS, COSTS.bytes(4100, 0))

    assert parts == [Part((0,), 0), Part((1,), 0)]


def test_a_sample_that_does_not_fit_is_refused_with_what_to_do() -> None:
    with pytest.raises(DeviceError, match=r"a sample of 1,000 tokens .*raise \[compute\] memory"):
        divide(OWN, SHARED, COSTS, 1000.0)
