"""How drift is told: each measure with its threshold, and which crossed it."""

import pytest

from paidan.cli.quality_report import print_quality

NOTHING = {
    "routed": 0,
    "sampled": 0,
    "undecided": 0,
    "wrong": 0,
    "error": None,
    "error_interval": (0.0, 1.0),
    "override_rate": None,
}
MIX = {
    "measure": "unit mix",
    "reference": 0.0,
    "recent": 0.31,
    "by": 0.17,
    "chance": 0.04,
    "threshold": 0.10,
    "crossed": True,
    "against": "training",
}
CONFIDENCE = {
    "measure": "confidence",
    "reference": 0.9,
    "recent": 0.91,
    "by": -0.01,
    "chance": 0.02,
    "threshold": 0.05,
    "crossed": False,
    "against": "first answers",
}


def test_each_measure_is_told_with_its_threshold(capsys: pytest.CaptureFixture[str]) -> None:
    drift = {"version": "v3", "answers": 2000, "needed": 2000, "measures": [MIX, CONFIDENCE]}

    print_quality({"total": NOTHING, "share": 0.01, "weeks": [], "units": [], "drift": drift})

    out = capsys.readouterr().out
    assert "drift of v3: its newest answers against what it learned, or its first" in out
    assert (
        "unit mix       31.0%: +17.0% for the worse (chance 4.0%), CROSSED 10%, against training"
        in out
    )
    assert "confidence     90.0% -> 91.0%: -1.0% for the worse (chance 2.0%), within 5%" in out


def test_weeks_without_tickets_are_not_told_nor_an_error_that_nobody_knows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    known = {"error": 0.1, "error_interval": (0.05, 0.2), "overridden": 0, "is_share": True}
    some = NOTHING | {"routed": 40, "sampled": 9, "overridden": 0, "is_share": True}
    weeks = [
        NOTHING | {"week": "2026-W01", "overridden": 0, "is_share": True},
        some | {"week": "2026-W02"},
        some | known | {"week": "2026-W03"},
    ]
    drift = {"version": None, "answers": 0, "needed": 2000, "measures": []}

    print_quality({"total": some, "share": 0.01, "weeks": weeks, "units": [], "drift": drift})

    told = [line.split() for line in capsys.readouterr().out.splitlines() if "2026-W" in line]
    assert [line[-1] for line in told] == ["2026-W02", "2026-W03"]
    assert [line[4] for line in told] == ["-", "10.0%"]
