"""What ``paidan recalibrate`` tells: which tickets it leaves out, and what changes."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from db.blind_sample import BY_CHANCE, Chance
from paidan.cli.recalibration_report import (
    LEFT_OUT,
    print_recalibration,
    report_json,
    tell_left_out,
    why_too_few,
)
from tests.support.calibrations import CALIBRATION
from training.drawn import EARLIER, GONE, Drawn
from training.recalibration import Recalibration, Routing

SINCE = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
BEFORE = Routing(threshold=0.6, tickets=350, routed=280, wrong=28)
AFTER = Routing(threshold=0.9, tickets=350, routed=210, wrong=4)


def recalibration(after: Routing = AFTER, **values: float) -> Recalibration:
    return Recalibration(CALIBRATION.model_copy(update=values), BEFORE, after, unlearned=7)


def test_every_reason_to_leave_a_ticket_out_is_told() -> None:
    assert {*get_args(Chance), EARLIER, GONE} - set(BY_CHANCE) == set(LEFT_OUT)


def test_what_is_left_out_and_what_the_sample_lacks_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    left_out = {EARLIER: 3, "doubted": 1204}

    tell_left_out(Drawn([], {}, left_out, waiting=28, unseen=5), SINCE)

    told = capsys.readouterr().err
    assert "left out: 3 decided before 2026-03-01T09:30+00:00; the version may" in told
    assert "; 1,204 seen only because the model doubted" in told
    assert "28 tickets of the blind sample wait" in told
    assert "5 tickets were routed unseen" in told


def test_where_nothing_is_left_out_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    tell_left_out(Drawn([], {}, {}, waiting=0, unseen=0), SINCE)

    assert capsys.readouterr().err == ""


def test_before_and_after_are_told_with_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    done = recalibration(threshold=0.9, coverage=0.6, error_bound=0.0378)
    facts = {"source": "decided", "tickets": 500, "sure": 400, "doubtful": 100}

    print_recalibration("v", done, facts, 7)

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "v: 500 tickets of the blind sample: 400 sure answers, 100 doubtful ones"
    assert lines[1] == "7 of them are of units that the version never learned"
    assert lines[4].split() == ["before", "0.6000", "80.0%", "10.0%", "(6.7%", "to", "14.1%)"]
    assert lines[5].split() == ["after", "0.9000", "60.0%", "1.9%", "(0.5%", "to", "4.8%)"]
    assert "at most 3.78% of these wrong (target 5.00%)" in lines[6]
    assert lines[7] == "calibration 7 is in force; workers take it between two batches"


def test_programs_are_told_alike() -> None:
    held = Routing(threshold=2.0, tickets=350, routed=0, wrong=0)

    told = report_json("v", recalibration(held), {"tickets": 500}, None)

    assert (told["version"], told["calibration"], told["tickets"]) == ("v", None, 500)
    assert (told["before"]["coverage"], told["before"]["error"]) == (0.8, 0.1)
    assert told["after"] == {"threshold": 2.0, "coverage": 0.0, "error": None, "interval": None}


def test_too_few_tickets_are_told_with_what_the_version_does_now() -> None:
    told = why_too_few("v", recalibration(needed=59), 60)

    assert "at least 85 tickets are needed" in told
    assert "there are 60; v routes 80.0% of them as it is, 10.0% of these wrong" in told
