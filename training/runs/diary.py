"""What a run tells while it is worked off: lines in the log, and points of its curves."""

import logging
from dataclasses import replace
from pathlib import Path

from db.run_points import Point
from training.runs.curves import append_point, seconds_until
from training.runs.reporting import Report

logger = logging.getLogger(__name__)


class Diary:
    """A ``training.progress.Progress`` of a run.

    Args:
        run_id: the run's.
        points: the file of its curves; points of earlier attempts stay there.
        report: is told each point, too.
    """

    def __init__(self, run_id: int, points: Path, report: Report = lambda _: None) -> None:
        self._run_id = run_id
        self._points = points
        self._report = report
        self._before: float | None = None  # seconds that earlier attempts trained

    def say(self, line: str) -> None:
        """Log a line; trainings quote no ticket in theirs."""
        logger.info("%s", line, extra={"action": "run.told", "run": self._run_id})

    def step(self, step: int, steps: int, loss: float | None) -> None:
        """Take how far the training is."""
        del loss
        if step == steps:
            logger.info(
                "all steps are done",
                extra={"action": "run.trained", "run": self._run_id, "steps": steps},
            )

    def measured(self, point: Point) -> None:
        """Append a point of the curves; its trainer passes it on."""
        if self._before is None:
            self._before = seconds_until(self._points, point.step - 1)
        told = replace(point, seconds=self._before + point.seconds)
        append_point(self._points, told)
        self._report(told)
