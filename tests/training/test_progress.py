"""What a training tells: nothing, where nobody listens."""

import pytest

from tests.support.told import Told
from training.progress import SILENT, Progress


def test_silence_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    SILENT.say("a line")
    SILENT.step(1, 2, None)

    assert capsys.readouterr() == ("", "")


def test_who_listens_hears_lines_and_steps() -> None:
    told = Told()
    progress: Progress = told

    progress.say("a line")
    progress.step(1, 2, 0.5)

    assert (told.lines, told.steps) == (["a line"], [(1, 2)])
