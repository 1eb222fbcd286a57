"""The calibration by which a registered version decides now."""

import logging
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from classifier.interface import Classifier
from classifier.manifest import Calibration, problems
from core.errors import ModelVersionError
from core.faults import describe
from db import calibrations
from db.models import StoredCalibration

logger = logging.getLogger(__name__)


def apply_calibration(session: Session, classifier: Classifier) -> int | None:
    """Have a loaded version decide by the calibration in force; no weight is read.

    One that this Paidan cannot read, or that asks for what it does not have, is refused with a
    line in the log; the one before it counts, as after a rollback.

    Returns:
        The id of the calibration that counts, None for the version's own.
    """
    for stored in calibrations.in_force(session, classifier.version):
        try:
            classifier.recalibrate(parse(stored))
        except ModelVersionError as error:
            logger.error(  # noqa: TRY400
                "calibration refused, the one before counts: %s",
                describe(error),
                extra={
                    "action": "calibration.refused",
                    "version": classifier.version,
                    "calibration": stored.id,
                },
            )
        else:
            return stored.id
    classifier.recalibrate(None)
    return None


def parse(stored: StoredCalibration) -> Calibration:
    """Return a stored calibration.

    Raises:
        ModelVersionError: this Paidan cannot read it.
    """
    content: dict[str, Any] = stored.content
    try:
        return Calibration.model_validate(content)
    except ValidationError as error:
        raise ModelVersionError(
            f"calibration {stored.id} of model version {stored.model_version} cannot be read "
            f"({problems(error)}): use the Paidan that made it, calibrate again (paidan "
            "recalibrate), or return to the one before (paidan recalibrate --rollback)"
        ) from error
