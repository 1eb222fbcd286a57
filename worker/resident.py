"""The resident model: the champion, loaded once, exchanged between two batches when it moves."""

import logging
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from classifier.interface import Classifier
from classifier.loading import DEFAULTS, Options, shares_base
from core.errors import (
    DatabaseUnavailableError,
    DeviceError,
    ModelVersionError,
    PaidanError,
    StorageError,
)
from core.faults import describe
from db import taxonomy, versions
from db.session import Database
from registry.opening import check_version, load_version, registered_kind
from worker import gpu

logger = logging.getLogger(__name__)

_LLM, _BASELINE = "llm", "linear"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What should be resident: a version under a state of the taxonomy."""

    version: str | None
    taxonomy: int


class _Coming:
    """A version that a thread loads while another one answers."""

    def __init__(self, wanted: _Wanted, load: Callable[[], Classifier]) -> None:
        self.wanted = wanted
        self._load = load
        self._future: Future[Classifier] = Future()
        # A daemon: a process that is to end does not wait for it.
        threading.Thread(target=self._run, name="model-load", daemon=True).start()

    def _run(self) -> None:
        try:
            self._future.set_result(self._load())
        except BaseException as error:  # raised again where it is taken
            self._future.set_exception(error)

    @property
    def is_there(self) -> bool:
        """Whether ``take`` need not wait."""
        return self._future.done()

    def take(self) -> Classifier:
        """Return the classifier, or raise what its loading raised."""
        return self._future.result()


class Resident:
    """Holds the classifier and the active units it may answer with.

    A new champion on the base that is loaded already is read by a thread; the old one answers until
    it is there, and takes no longer to exchange than the first forward of the new one. One on
    another base wants the GPU for itself: ``needs_new_process`` says so, and the old one answers
    until then.

    While an LLM that should answer does not work (its GPU is gone), the newest linear version that
    loads answers in its place: ``degraded`` says so. The LLM comes back by itself.

    Args:
        database: where the champion alias and the taxonomy stand.
        models_dir: where the version directories lie.
        options: how an LLM is held.
        gpu_is_present: whether the GPU this worker is pinned to is there.
    """

    retry_after = 30.0

    def __init__(
        self,
        database: Database,
        models_dir: Path,
        options: Options = DEFAULTS,
        gpu_is_present: Callable[[], bool] = gpu.is_present,
    ) -> None:
        self.database = database
        self.models_dir = models_dir
        self.options = options
        self.classifier: Classifier | None = None
        self.active_units: frozenset[str] = frozenset()
        self.degraded = False
        self.needs_new_process = False
        self._gpu_is_present = gpu_is_present
        # CUDA works again only in a process that never saw it fail.
        self._gpu_failed = False
        self._tried: _Wanted | None = None
        self._answering: _Wanted | None = None
        self._coming: _Coming | None = None
        self._retry_at = math.inf

    @property
    def version(self) -> str | None:
        """The version that answers now."""
        return self.classifier.version if self.classifier else None

    def refresh(self) -> Classifier | None:
        """Load the champion if it or the taxonomy changed; return what answers from now on.

        A version that fails its checks is refused and the one before serves on; it is tried again
        after ``retry_after`` seconds, for its files may have been restored.
        """
        with self.database.reading() as session:
            wanted = _wanted(session)
            if self._is_current(wanted):
                return self.classifier
            units = taxonomy.list_units(session, active_only=True)
            self.active_units = frozenset(unit.code for unit in units)
        coming, self._coming = self._coming, None
        if coming is not None and coming.wanted != wanted:
            coming = None  # the champion has moved on
        again = wanted == self._tried and coming is None
        self._tried, self._retry_at = wanted, time.monotonic() + self.retry_after
        if wanted == self._answering and not self.degraded and self.classifier is not None:
            self._retry_at = math.inf  # one that came between was refused or taken back
            return self.classifier
        if wanted.version is None:
            logger.warning("no model is promoted: tickets wait ('paidan train … --promote')")
            return None
        if again and self._gpu_failed:
            self.needs_new_process = self._gpu_is_present()
        elif coming is None and self._needs_the_gpu_alone(wanted.version):
            self.needs_new_process = True
        elif (coming is None and self._load_beside(wanted)) or self._load(
            wanted.version, coming.take if coming else None
        ):
            self._retry_at = math.inf
        elif self.classifier is None or (self.degraded and not again):
            self._degrade(wanted.version)
        return self.classifier

    def is_current(self, session: Session) -> bool:
        """Whether ``refresh`` would change nothing."""
        return self._is_current(_wanted(session))

    def drop(self) -> None:
        """Let go of a model that does not work; ``refresh`` loads it anew after a while.

        In an LLM's place the linear baseline answers meanwhile, unless that failed itself.
        """
        failed, self.classifier = self.classifier, None
        self._gpu_failed = gpu.is_pinned()
        self._retry_at = time.monotonic() + self.retry_after
        if not self.degraded and failed is not None:
            self._degrade(failed.version)

    def _is_current(self, wanted: _Wanted) -> bool:
        if self._coming is not None:
            return not self._coming.is_there
        return wanted == self._tried and time.monotonic() < self._retry_at

    def _load_beside(self, wanted: _Wanted) -> bool:
        """Have the champion loaded while the old one answers; return whether that can be done."""
        serving, answering = self.classifier, self._answering
        if serving is None or answering is None or self.degraded or wanted.version is None:
            return False
        if wanted.taxonomy != answering.taxonomy or wanted.version == answering.version:
            return False
        name = wanted.version
        if not self._shares_base(serving, name):
            return False
        self._coming = _Coming(wanted, lambda: self._read(name))
        return True

    def _needs_the_gpu_alone(self, name: str) -> bool:
        """Whether a version that would load has another base, or mode, than the LLM on the GPU.

        The card may not hold both.
        """
        serving = self.classifier
        if serving is None or serving.kind != _LLM or not gpu.is_pinned():
            return False
        if self._shares_base(serving, name):
            return False
        try:
            if registered_kind(self.database, name) != _LLM:
                return False
            check_version(self.database, name, self.models_dir)
        except (ModelVersionError, StorageError):
            return False  # ``_load`` says so
        return True

    def _shares_base(self, serving: Classifier, name: str) -> bool:
        try:
            return shares_base(serving, self.models_dir / name, self.options)
        except (ModelVersionError, StorageError):
            return False  # ``_load`` says so

    def _read(self, name: str) -> Classifier:
        return load_version(self.database, name, self.models_dir, self.options)

    def _load(self, name: str, take: Callable[[], Classifier] | None = None) -> bool:
        """Load the champion, or take it where it is there; return whether it answers now."""
        serving = self.version or "nothing"
        try:
            if registered_kind(self.database, name) == _LLM and not self._gpu_is_present():
                raise DeviceError("the GPU this worker is pinned to is gone")  # noqa: TRY301
            self.classifier = take() if take else self._read(name)
        except DatabaseUnavailableError:
            raise
        except DeviceError as error:
            self._gpu_failed = True
            logger.error("version not loaded, %s serves on: %s", serving, describe(error))  # noqa: TRY400
            return False
        except PaidanError as error:
            logger.error("version refused, %s serves on: %s", serving, describe(error))  # noqa: TRY400
            return False
        except Exception:  # out of memory, a driver's fault: it may pass
            self._gpu_failed = gpu.is_pinned()
            logger.exception("version not loaded, %s serves on", serving)
            return False
        self.degraded = False
        self._answering = self._tried
        logger.info("model loaded", extra={"version": self.version})
        return True

    def _degrade(self, champion: str) -> None:
        """Let the newest linear version that loads answer in an LLM's place."""
        if registered_kind(self.database, champion) != _LLM:
            return
        with self.database.reading() as session:
            names = [v.name for v in versions.list_versions(session) if v.kind == _BASELINE]
        for name in reversed(names):
            try:
                self.classifier = load_version(self.database, name, self.models_dir)
            except (ModelVersionError, StorageError) as error:
                logger.warning("baseline refused: %s", describe(error))
                continue
            self.degraded = True
            logger.warning(
                "degraded: the baseline answers while the LLM does not work",
                extra={"version": name, "champion": champion},
            )
            return
        logger.error(
            "the LLM does not work and there is no linear version to answer in its place: tickets "
            "wait ('paidan train --kind linear' makes one)"
        )


def _wanted(session: Session) -> _Wanted:
    return _Wanted(versions.champion(session), taxonomy.current_version(session))
