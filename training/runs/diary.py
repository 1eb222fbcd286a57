"""What a run tells while it is worked off: lines in the log, and points of its curves."""

import logging

logger = logging.getLogger(__name__)


class Diary:
    """A ``training.progress.Progress`` of a run.

    Args:
        run_id: the run's.
    """

    def __init__(self, run_id: int) -> None:
        self._run_id = run_id

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
