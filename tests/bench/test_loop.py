"""Which tickets the arms of ``bench.loop`` learn."""

from collections.abc import Sequence

import numpy as np

from bench.loop import Scores, rounds
from classifier.calibration import Floats
from training.samples import Sample

CODES = ("A", "B")
TRAIN = [Sample(str(number), CODES[number % 2]) for number in range(100)]


def learner(known: list[list[str]]) -> object:
    """Takes down what is learned; it is the less sure of a ticket the lower its number."""

    def learn(samples: Sequence[Sample], seed: int) -> Scores:
        del seed
        known.append([sample.text for sample in samples])

        def scores(texts: Sequence[str]) -> tuple[Floats, Sequence[str]]:
            sureness = np.array([float(text) for text in texts])
            return np.stack([sureness / 100, np.zeros(len(texts))], axis=1), CODES

        return scores

    return learn


def test_the_tickets_doubted_most_are_decided_each_round() -> None:
    known: list[list[str]] = []

    found = rounds(learner(known), TRAIN, TRAIN, "doubted", 3, 2)  # type: ignore[arg-type]

    first, second, third = map(set, known)
    pool = sorted(map(int, {sample.text for sample in TRAIN} - first))
    assert {int(text) for text in second - first} == set(pool[:5])
    assert {int(text) for text in third - second} == set(pool[5:10])
    assert [one.right.mean() for one in found] == [0.5] * 3


def test_the_random_arm_begins_with_the_same_tickets() -> None:
    known: list[list[str]] = []

    for arm in ("doubted", "random"):
        rounds(learner(known), TRAIN, TRAIN, arm, 3, 1)  # type: ignore[arg-type]

    assert known[0] == known[2]
    assert len(set(known[3]) - set(known[2])) == 5
    assert known[3] != known[1]
