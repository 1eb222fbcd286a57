"""What a run's process tells in the log, and where its curves go."""

import io
from pathlib import Path

from db.run_points import Point
from training.runs.curves import read_points
from training.runs.diary import Diary


def test_lines_and_the_last_step_are_logged_with_the_run(told: io.StringIO, tmp_path: Path) -> None:
    diary = Diary(7, tmp_path / "points")

    diary.say("100 % held out")
    diary.step(1, 2, 0.5)
    diary.step(2, 2, None)

    lines = told.getvalue().splitlines()
    assert len(lines) == 2
    assert "100 % held out action=run.told run=7" in lines[0]
    assert "action=run.trained run=7 steps=2" in lines[1]


def test_a_curve_goes_on_with_the_seconds_of_the_attempt_before(tmp_path: Path) -> None:
    file = tmp_path / "points"
    first, second = Diary(7, file), Diary(7, file)
    for step in (5, 10, 15):
        first.measured(Point(step, step * 2.0))

    # The second attempt goes on from a checkpoint of step 10
    second.measured(Point(15, 11.0, loss=1.0))
    second.measured(Point(20, 21.0))

    assert read_points(file)[0][3:] == [Point(15, 31.0, loss=1.0), Point(20, 41.0)]
