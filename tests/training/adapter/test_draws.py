"""Draws go by seed, purpose and text alone, and are uniform."""

import numpy as np

from training.adapter.draws import drawn


def test_draws_are_uniform_and_the_same_each_time() -> None:
    found = [drawn(42, "thought", f"工单{n}") for n in range(2_000)]

    assert found == [drawn(42, "thought", f"工单{n}") for n in range(2_000)]
    counts, _ = np.histogram(found, bins=10, range=(0, 1))
    assert counts.sum() == 2_000
    assert abs(counts - 200).max() < 60  # over four standard deviations of 13.4


def test_another_seed_or_purpose_draws_apart() -> None:
    first, seed, purpose = (
        np.array([drawn(*key, str(n)) for n in range(2_000)])
        for key in ((42, "a"), (43, "a"), (42, "b"))
    )

    assert abs(np.corrcoef(first, seed)[0, 1]) < 0.1
    assert abs(np.corrcoef(first, purpose)[0, 1]) < 0.1
