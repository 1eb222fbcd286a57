"""Has the resident model decide by the calibration in force, whatever state it is in."""

import logging

from sqlalchemy.orm import Session

from classifier.interface import Classifier
from db import calibrations
from registry.calibration import apply_calibration

logger = logging.getLogger(__name__)


class Calibrated:
    """Follows the calibration of the version that answers; nothing is loaded for it.

    Attributes:
        id: of the calibration by which that version decides; None for its own.
    """

    def __init__(self) -> None:
        self.id: int | None = None
        self._seen: tuple[str, int | None] | None = None  # the version, its newest move

    def is_current(self, session: Session, classifier: Classifier | None) -> bool:
        """Whether ``follow`` would change nothing."""
        return classifier is None or self._seen == _newest(session, classifier)

    def follow(self, session: Session, classifier: Classifier | None) -> None:
        """Have the model decide by the calibration in force, if it does not yet."""
        if classifier is None or self.is_current(session, classifier):
            return
        version, move = newest = _newest(session, classifier)
        # Without a move it decides by its own, as it was loaded.
        self.id = None if move is None else apply_calibration(session, classifier)
        if move is not None:
            logger.info(
                "calibration applied",
                extra={
                    "action": "calibration.applied",
                    "version": version,
                    "calibration": self.id,
                },
            )
        self._seen = newest


def _newest(session: Session, classifier: Classifier) -> tuple[str, int | None]:
    return classifier.version, calibrations.newest_move(session, classifier.version)
