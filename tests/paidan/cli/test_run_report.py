"""A run's curve on one line."""

import math

import pytest

from db.run_tables import Run, RunPoint
from paidan.cli.run_report import describe_point, print_run, sparkline


def test_a_curve_is_drawn_from_its_lowest_to_its_highest_value() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"


def test_a_long_curve_is_drawn_by_means_and_a_flat_one_flat() -> None:
    assert sparkline([0.0] * 50 + [1.0] * 50, width=10) == "▁▁▁▁▁█████"
    assert sparkline([2.0, 2.0]) == "▁▁"
    assert sparkline([2.0]) == "▁"


def test_what_an_older_paidan_stored_of_no_finite_number_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    points = [
        RunPoint(run_id=1, step=step, seconds=1.0, loss=loss, grad_norm=math.inf)
        for step, loss in enumerate([2.0, math.nan, 1.0])
    ]

    print_run(Run(id=1, state="done"), {"alias": None, "shadow": None, "blind": None}, points)

    assert "loss             1.0000  █▁" in capsys.readouterr().out
    assert describe_point(points[1])["loss"] is None
    assert describe_point(points[2])["grad_norm"] is None
