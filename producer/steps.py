"""Steps of a loop: a fault of one is logged when it begins and when it ends."""

import logging
import time

from core.faults import describe

logger = logging.getLogger(__name__)


class Steps:
    """Knows which steps fail: a fault that lasts for hours is two lines in the log."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._told: dict[str, set[str]] = {}

    def failing(self, step: str) -> bool:
        """Whether the step failed when it was last tried."""
        return step in self._since

    def failed(self, step: str, error: BaseException) -> None:
        """Log the fault, if this one was not told since the step last worked."""
        self._since.setdefault(step, time.monotonic())
        told = self._told.setdefault(step, set())
        kind = describe(error)
        if kind not in told:
            told.add(kind)
            logger.warning(
                "waiting for database and Redis",
                extra={"action": "step.failed", "step": step, "error": kind},
            )

    def worked(self, step: str) -> None:
        """Log that the fault is over, if there was one."""
        since = self._since.pop(step, None)
        self._told.pop(step, None)
        if since is not None:
            seconds = round(time.monotonic() - since, 1)
            logger.info(
                "works again",
                extra={"action": "step.recovered", "step": step, "after_s": seconds},
            )
