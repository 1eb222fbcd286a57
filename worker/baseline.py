"""The baseline: the linear version that answers while the LLM does not work."""

import logging
from pathlib import Path

from classifier.interface import Classifier
from core.errors import ModelVersionError, StorageError
from core.faults import describe
from db import Database, versions
from registry.opening import load_version

logger = logging.getLogger(__name__)


def load_baseline(database: Database, models_dir: Path) -> Classifier | None:
    """Load the newest linear version that can be loaded; None where there is none."""
    with database.reading() as session:
        names = versions.baselines(session)
    for name in names:
        try:
            return load_version(database, name, models_dir)
        except (ModelVersionError, StorageError) as error:
            logger.warning(
                "baseline refused: %s",
                describe(error),
                extra={"action": "baseline.refused", "version": name},
            )
    logger.error(
        "the LLM does not work and there is no linear version to answer in its place: tickets "
        "wait ('paidan train --kind linear' makes one)",
        extra={"action": "baseline.not_found"},
    )
    return None
