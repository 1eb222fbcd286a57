"""What a run's process tells in the log."""

import io

from training.runs.diary import Diary


def test_lines_and_the_last_step_are_logged_with_the_run(told: io.StringIO) -> None:
    diary = Diary(7)

    diary.say("100 % held out")
    diary.step(1, 2, 0.5)
    diary.step(2, 2, None)

    lines = told.getvalue().splitlines()
    assert len(lines) == 2
    assert "100 % held out action=run.told run=7" in lines[0]
    assert "action=run.trained run=7 steps=2" in lines[1]
