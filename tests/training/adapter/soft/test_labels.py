"""Labels and what a teacher says are mixed, and what nothing is said of stays as it is."""

from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import jsonl
from tests.support.told import Told
from training.adapter.soft.labels import soft_labels, softened
from training.adapter.soft.settings import Soft
from training.samples import Sample

SAMPLES = [Sample("路灯坏了", "A"), Sample("水管漏水", "B"), Sample("河道有垃圾", "B")]
ROWS = (
    {"text": "路灯坏了", "units": {"A": 0.8, "B": 0.2}},
    {"text": "水管漏水", "units": {"A": 0.6, "B": 0.4}},
    {"text": "河道有垃圾", "units": {"D": 1.0}},
)


def mixed(folder: Path, told: Told, **settings: float) -> list[list[float]]:
    file = jsonl(folder / "soft.jsonl", *ROWS)
    soft = Soft(file=str(file), **settings)
    found = soft_labels(soft, SAMPLES, ["A", "B"], "ABD", folder, told)
    assert found is not None
    return found.tolist()


def test_the_weight_is_the_teachers_share(tmp_path: Path) -> None:
    told = Told()

    found = mixed(tmp_path, told, weight=0.25)

    assert found == pytest.approx(np.array([[0.95, 0.05], [0.15, 0.85], [0, 1]]))
    [line] = told.lines
    assert "2 of 3 tickets, weight 0.25, temperature 1" in line
    assert "the likeliest unit is the label's in 50.0%" in line


def test_with_the_whole_weight_the_teacher_alone_is_learned(tmp_path: Path) -> None:
    found = mixed(tmp_path, Told(), weight=1, temperature=0.5)

    assert found == pytest.approx(np.array([[16 / 17, 1 / 17], [9 / 13, 4 / 13], [0, 1]]))


def test_where_nothing_teaches_there_are_no_soft_labels(tmp_path: Path) -> None:
    told = Told()

    assert soft_labels(Soft(), SAMPLES, ["A", "B"], "AB", tmp_path, told) is None
    assert told.lines == []


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_softening_divides_the_logits_and_keeps_what_is_impossible(temperature: float) -> None:
    logits = np.array([[2.0, -1.0, 0.5], [0.0, 300.0, -300.0]])
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
    expected /= expected.sum(axis=1, keepdims=True)

    found = softened(powers / powers.sum(axis=1, keepdims=True), temperature)

    assert found == pytest.approx(expected)
    assert softened(np.array([[0.0, 0.4, 0.6]]), temperature)[0, 0] == 0
