"""The progress of a training, where there is no terminal."""

import pytest

from paidan.progress import bar
from paidan.progress.training import TrainingProgress
from training.progress import Progress


def test_lines_and_steps_are_told_with_their_prefix(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bar, "_LINE_EVERY_S", 0.0)
    with TrainingProgress("demo: ") as shown:
        progress: Progress = shown
        progress.say("base standin")
        progress.step(1, 2000, None)
        progress.step(2, 2000, 0.12345)

    assert capsys.readouterr().err.splitlines() == [
        "demo: base standin",
        "demo: training step 1 of 2,000 ",
        "demo: training step 2 of 2,000 loss 0.123",
    ]
