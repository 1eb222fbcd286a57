"""A run's curves for TensorBoard or Weights & Biases, beside those in the record.

Both write files under the home. Nothing leaves this machine, unless an operator sets WANDB_MODE.
"""

import logging
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from core.errors import InputError, StorageError
from core.faults import describe
from core.files import private_folder
from core.settings import Settings
from db.run_points import Point

logger = logging.getLogger(__name__)

_FOLDER = "reports"
_PROJECT = "paidan"

Report = Callable[[Point], None]


def report_for(settings: Settings, run_id: int) -> Report:
    """Return what is told each point of a run.

    Raises:
        InputError: the library that ``PAIDAN_REPORT_TO`` names is not installed.
        StorageError: its folder cannot be made.
    """
    if settings.report_to == "none":
        return lambda _: None
    folder = settings.resolved_home / _FOLDER / f"run-{run_id}"
    try:
        private_folder(folder.parent)
        private_folder(folder)
        made = _tensorboard(folder) if settings.report_to == "tensorboard" else _wandb(folder)
    except ModuleNotFoundError as error:
        raise InputError(
            f"PAIDAN_REPORT_TO={settings.report_to} needs {error.name}, which is not installed "
            f"where the trainer runs: pip install {settings.report_to}"
        ) from error
    except OSError as error:
        raise StorageError(f"reports cannot be written to {folder}: {error.strerror}") from error
    return _while_it_works(made, run_id)


def _while_it_works(report: Report, run_id: int) -> Report:
    """Return a report that tells no more after its first fault: the record has the curves."""
    is_broken = False

    def tell(point: Point) -> None:
        nonlocal is_broken
        if is_broken:
            return
        try:
            report(point)
        except Exception as error:  # a process of its own may have died; no training ends by that
            is_broken = True
            logger.warning(
                "no more points are reported: %s",
                describe(error),
                extra={"action": "report.failed", "run": run_id},
            )

    return tell


def _tensorboard(folder: Path) -> Report:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))

    def tell(point: Point) -> None:
        for name, value in _values(point).items():
            writer.add_scalar(name, value, point.step)
        writer.flush()

    return tell


def _wandb(folder: Path) -> Report:
    import wandb

    mode = os.environ.get("WANDB_MODE", "offline")
    run = wandb.init(project=_PROJECT, name=folder.name, dir=str(folder), mode=mode)
    return lambda point: run.log(_values(point), step=point.step)


def _values(point: Point) -> dict[str, float]:
    return {
        name: value for name, value in asdict(point).items() if name != "step" and value is not None
    }
