"""A run's curve on one line."""

from paidan.cli.run_report import sparkline


def test_a_curve_is_drawn_from_its_lowest_to_its_highest_value() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"


def test_a_long_curve_is_drawn_by_means_and_a_flat_one_flat() -> None:
    assert sparkline([0.0] * 50 + [1.0] * 50, width=10) == "▁▁▁▁▁█████"
    assert sparkline([2.0, 2.0]) == "▁▁"
    assert sparkline([2.0]) == "▁"
