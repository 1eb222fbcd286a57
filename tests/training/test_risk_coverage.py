"""Risk and coverage are those that a person would count."""

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from training.risk_coverage import risk_coverage

PROBABILITY = np.array([0.5, 0.9, 0.7, 0.7])
CORRECT = np.array([False, True, True, False])


def test_answers_are_taken_from_the_surest_on_equals_together() -> None:
    curve = risk_coverage(PROBABILITY, CORRECT)

    assert curve.coverage.tolist() == [0.25, 0.75, 1.0]
    assert curve.risk.tolist() == [0.0, pytest.approx(1 / 3), 0.5]
    assert curve.area == pytest.approx(0.5 / 3 + 0.25 * 0.5)


def test_the_area_is_the_error_where_no_answer_is_surer_than_another() -> None:
    assert risk_coverage(np.full(4, 0.7), CORRECT).area == 0.5
    assert risk_coverage(PROBABILITY, np.ones(4, dtype=bool)).area == 0.0


def test_the_better_order_has_the_smaller_area() -> None:
    rng = np.random.default_rng(1)
    probability = rng.random(2_000)
    correct = rng.random(2_000) < probability

    known, guessed = (risk_coverage(one, correct) for one in (probability, rng.random(2_000)))

    assert known.area < guessed.area / 1.5


def test_the_picture_is_the_same_each_time_and_shows_where_the_version_stands(
    tmp_path: Path,
) -> None:
    curve = risk_coverage(PROBABILITY, CORRECT)

    for name in ("one.svg", "two.svg"):
        curve.draw(tmp_path / name, (0.75, 1 / 3), "toy-1 on 4 tickets")
    curve.draw(tmp_path / "none.svg", (0.0, None), "all is held back")

    picture = (tmp_path / "one.svg").read_text("utf-8")
    assert picture == (tmp_path / "two.svg").read_text("utf-8")
    shown = "".join(ET.fromstring(picture).itertext())
    assert "toy-1 on 4 tickets" in shown
    assert "not held back" in shown
    assert "not held back" not in (tmp_path / "none.svg").read_text("utf-8")
