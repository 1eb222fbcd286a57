"""Loads model versions for the resident model, and tells which of them need the GPU alone."""

import logging
from collections.abc import Callable
from pathlib import Path

from classifier.interface import Classifier
from classifier.loading import Options, shares_base
from core.errors import (
    DatabaseUnavailableError,
    DeviceError,
    ModelVersionError,
    PaidanError,
    StorageError,
)
from core.faults import describe
from db import Database
from registry.opening import check_version, load_version, registered_kind
from worker import gpu
from worker.background_load import BackgroundLoad

logger = logging.getLogger(__name__)

LLM = "llm"
"""The kind of the versions that want the GPU."""


class VersionLoader:
    """Loads versions in one worker process.

    Args:
        database: where versions are registered.
        models_dir: where their directories lie.
        options: how an LLM is held.
        gpu_is_present: whether the GPU this worker is pinned to is there.

    Attributes:
        gpu_failed: whether the GPU failed in this process. CUDA works again only in a process that
            never saw it fail.
    """

    def __init__(
        self,
        database: Database,
        models_dir: Path,
        options: Options,
        gpu_is_present: Callable[[], bool],
    ) -> None:
        self.database = database
        self.models_dir = models_dir
        self.options = options
        self.gpu_is_present = gpu_is_present
        self.gpu_failed = False

    def read(self, name: str) -> Classifier:
        """Read a version (see ``registry.opening.load_version`` for the errors)."""
        return load_version(self.database, name, self.models_dir, self.options)

    def load(
        self, name: str, background: BackgroundLoad | None, serving: str | None
    ) -> Classifier | None:
        """Return a version, read now or by a thread before; None where it does not load.

        Args:
            name: the version.
            background: the thread's load; None where no thread has read it.
            serving: the version that serves on if this one does not load, for the log.

        Raises:
            DatabaseUnavailableError: it could not be tried.
        """
        serves = f"{serving or 'nothing'} serves on"
        try:
            if registered_kind(self.database, name) == LLM and not self.gpu_is_present():
                raise DeviceError("the GPU this worker is pinned to is gone")  # noqa: TRY301
            return background.take() if background else self.read(name)
        except DatabaseUnavailableError:
            raise
        except DeviceError as error:
            self.gpu_failed = True
            logger.error(  # noqa: TRY400
                "version not loaded, %s: %s",
                serves,
                describe(error),
                extra={"action": "version.failed", "version": name},
            )
        except PaidanError as error:
            logger.error(  # noqa: TRY400
                "version refused, %s: %s",
                serves,
                describe(error),
                extra={"action": "version.refused", "version": name},
            )
        except Exception:  # out of memory, a driver's fault: it may pass
            self.gpu_failed = gpu.is_pinned()
            logger.exception(
                "version not loaded, %s",
                serves,
                extra={"action": "version.failed", "version": name},
            )
        return None

    def needs_gpu_alone(self, serving: Classifier | None, name: str) -> bool:
        """Whether a version that would load has another base, or mode, than the LLM on the GPU.

        The card may not hold both.
        """
        if serving is None or serving.kind != LLM or not gpu.is_pinned():
            return False
        if self.shares_base(serving, name):
            return False
        try:
            if registered_kind(self.database, name) != LLM:
                return False
            check_version(self.database, name, self.models_dir)
        except (ModelVersionError, StorageError):
            return False  # ``load`` says so
        return True

    def shares_base(self, serving: Classifier, name: str) -> bool:
        """Whether a version answers with the base that is loaded already, in the same mode."""
        try:
            return shares_base(serving, self.models_dir / name, self.options)
        except (ModelVersionError, StorageError):
            return False  # ``load`` says so
