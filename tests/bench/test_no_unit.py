"""The experiment on tickets of no unit: what is caught, and which score is chosen."""

import numpy as np
import pytest

from bench.no_unit import Caught, catch, choose
from bench.no_unit_parts import STRANGER, divide, labels_of, numbers_of
from bench.no_unit_scores import ASKED, all_scores
from training.samples import Sample


def caught(*strangers: float) -> Caught:
    return Caught(strangers, (0.05,) * len(strangers), strangers)


def test_withheld_units_are_in_no_part_that_is_learned_or_known() -> None:
    train = [Sample(f"{unit} {n}", unit) for unit in "ABCDEF" for n in range(20)]
    test = [Sample(f"{unit} asked", unit) for unit in "ABCDEF"]

    parts = divide(train, test, draw=0, withheld=2)

    taught = {sample.unit for sample in parts["learned"]}
    strange = {sample.unit for sample in parts["strangers"]}
    assert (len(taught), len(strange), taught & strange) == (4, 2, set())
    assert {sample.unit for sample in (*parts["held"], *parts["known"])} <= taught
    assert [len(parts[part]) for part in ("learned", "held", "known")] == [72, 8, 4]
    assert set(labels_of(parts["strangers"], numbers_of(parts))) == {STRANGER}


def test_a_score_catches_what_lies_under_most_known_tickets() -> None:
    known, strangers = np.linspace(1, 2, 101), np.array([0.5, 1.02, 1.5, 3.0])

    found = catch([{"held": known, "known": known, "strangers": strangers}], 0.05)

    assert found.strangers == (0.5,)
    assert found.set_review[0] == pytest.approx(0.04, abs=0.01)


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        # clearly better
        ({"linear: energy": caught(0.6, 0.61, 0.62)}, "linear: energy"),
        # better by less than is worth it
        ({"linear: energy": caught(0.44, 0.45, 0.46)}, "linear: probability"),
        # the best is within noise of one that is simpler
        (
            {"linear: energy": caught(0.6, 0.61, 0.62), "TF-IDF: x": caught(0.6, 0.65, 0.64)},
            "linear: energy",
        ),
        # what the linear model cannot compute
        ({"head: energy": caught(0.9, 0.9, 0.9)}, "linear: probability"),
    ],
)
def test_the_simplest_score_within_noise_of_the_best_is_chosen(
    others: dict[str, Caught], chosen: str
) -> None:
    scores = {"linear: probability": caught(0.4, 0.41, 0.42), **others}

    assert choose("linear", scores) == chosen


def test_scores_of_separate_clouds_catch_all_strangers() -> None:
    random = np.random.default_rng(0)
    arrays = {}
    for part in ("learned", *ASKED):
        labels = random.integers(0, 3, 60)
        hidden = random.normal(size=(60, 4)) * 0.1
        hidden[np.arange(60), 3 if part == "strangers" else labels] += 5
        arrays[f"{part}_labels"] = labels
        arrays[f"{part}_hidden"] = hidden.astype(np.float16)
        for model in ("linear", "head", "names"):
            arrays[f"{part}_{model}"] = hidden[:, :3]

    scores = all_scores(arrays)

    for name in ("head: energy", "hidden, held: nearest mean, cosine", "names: probability"):
        assert catch([scores[name]], 0.05).strangers == (1.0,)
    assert "linear + head + names: agreement" in scores
    assert all(np.isfinite(one[part]).all() for one in scores.values() for part in ASKED)
