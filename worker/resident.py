"""The resident model: the champion, loaded once, exchanged between two batches when it moves.

Its states are the classes of ``worker.states``. The drawing has the usual ways::

    start --> Empty ----- loaded ------.   LoadingBeside ----.
               | ^                     |        ^ |          |
       refused | | model failed        |  moved | | loaded   |
               v |                     v        | v          |
            Degraded --- loaded ---> +--------------+        | refused
               ^                     |   Serving    |        |
               '---- model failed ---+--------------+        |
                                                | ^          |
                                        refused | | loaded   |
                                                v |          |
                                              Outdated <-----'

The table has all ways but those to AwaitingProcess::

    state          tries when        beside         loaded   refused       model failed
    Empty          moved, retry due  -              Serving  Degraded (1)  -
    Degraded       moved, retry due  -              Serving  Degraded      Empty
    Serving        moved             LoadingBeside  Serving  Outdated      Degraded (1)
    Outdated       moved, retry due  LoadingBeside  Serving  Outdated      Degraded (1)
    LoadingBeside  read              LoadingBeside  Serving  Outdated (2)  LoadingBeside

    (1) Empty, where what does not work is no LLM, or where no baseline loads.
    (2) As from Empty or Degraded, where the version before has failed meanwhile.

A training run may have the card in turn (``db.cards``). ``refresh`` then goes from each state to
Lent, in which tickets wait: an LLM is let go of, or not loaded. A process that has had a model on
the card ends in Lent, and its successor begins there. Once the card is back, AwaitingProcess
follows Lent.

- *tries when*: what makes ``refresh`` try the champion; the next three columns are outcomes.
- *moved*: the champion alias or the taxonomy changed, or is seen for the first time.
- *retry due*: ``retry_after`` seconds have passed since the champion was refused or the model
  failed. The state stays if the GPU failed and its card is still away.
- *read*: the thread of LoadingBeside has ended. Until then another move waits.
- *beside*: a thread begins to read the champion, and the version before answers meanwhile. Both
  must have the same base and the same units. Else the champion is loaded between two batches.
- *loaded*: the champion answers. It may be the version that answered before (taken back).
- *refused*: the champion does not load. A fault of the GPU refuses it as damaged files do.
- *model failed*: the classifier fails on any ticket (``drop``). LoadingBeside stays, with the
  baseline or nothing answering.

In each state ``refresh`` applies a new calibration at once; nothing is loaded for it.
AwaitingProcess may follow each state and is the last one: only a new process can load the
champion. Two cases: the champion is an LLM on another base, or in another mode, than the one on
the GPU, which may not hold both; or the GPU failed, a retry is due, and the card is back.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from classifier.interface import Classifier
from classifier.loading import DEFAULTS, Options
from db import Database, cards, taxonomy, versions
from registry.opening import registered_kind
from worker import gpu
from worker.background_load import BackgroundLoad
from worker.baseline import load_baseline
from worker.calibrated import Calibrated
from worker.states import AwaitingProcess, Empty, Lent, LoadingBeside, Serving, State, Target
from worker.version_loader import LLM, VersionLoader

logger = logging.getLogger(__name__)


class Resident:
    """Holds the classifier that answers, and the active units it may answer with.

    Args:
        database: where the champion alias and the taxonomy stand.
        models_dir: where the version directories lie.
        options: how an LLM is held.
        gpu_is_present: whether the GPU this worker is pinned to is there.
        place: the card (``core.place``) that runs may have in turn; None for none.

    Attributes:
        calibrated: by which calibration the model that answers decides.
    """

    retry_after = 30.0

    def __init__(
        self,
        database: Database,
        models_dir: Path,
        options: Options = DEFAULTS,
        gpu_is_present: Callable[[], bool] = gpu.is_present,
        place: str | None = None,
    ) -> None:
        self.database = database
        self.place = place
        self.models_dir = models_dir
        self.loader = VersionLoader(database, models_dir, options, gpu_is_present)
        self.state: State = Empty()
        self.calibrated = Calibrated()
        self.active_units: frozenset[str] = frozenset()
        self._is_trying = False

    @property
    def classifier(self) -> Classifier | None:
        """The model that answers now."""
        return self.state.classifier

    @property
    def version(self) -> str | None:
        """The version that answers now."""
        classifier = self.state.classifier
        return classifier.version if classifier else None

    @property
    def offered_units(self) -> frozenset[str]:
        """The units that tickets are offered: the active ones, and those gone that the model knows.

        Without these, what it would give to them would seem to be another unit's. What becomes of
        such answers: ``db.standing``.
        """
        return self.active_units | (self.classifier.units if self.classifier else frozenset())

    @property
    def degraded(self) -> bool:
        """Whether the baseline answers in the place of an LLM that does not work."""
        return self.state.degraded

    @property
    def needs_new_process(self) -> bool:
        """Whether this process should end: another one loads the champion, or leaves the card."""
        is_held = isinstance(self.state, Lent) and self.state.is_held
        return is_held or isinstance(self.state, AwaitingProcess)

    @property
    def is_off_card(self) -> bool:
        """Whether nothing in this process is on the card, or will be while a run has it."""
        if self._is_trying or self.needs_new_process or isinstance(self.state, LoadingBeside):
            return False
        return self.classifier is None or self.classifier.kind != LLM

    def card_moved(self, session: Session) -> bool:
        """Whether a run took the card, or gave it back, and the state is another one yet."""
        return (self._target(session).lent_to is not None) != isinstance(self.state, Lent)

    def refresh(self) -> Classifier | None:
        """Load the champion if it or the taxonomy changed; return what answers from now on.

        A version that fails its checks is refused and the one before serves on. It is tried again
        after ``retry_after`` seconds, for its files may have been restored.
        """
        with self.database.reading() as session:
            if self.is_current(session):
                return self.classifier
        self._is_trying = True  # for the heartbeat's thread
        try:
            self._refresh_version()
        finally:
            self._is_trying = False
        with self.database.reading() as session:
            self.calibrated.follow(session, self.classifier)
        return self.classifier

    def is_current(self, session: Session) -> bool:
        """Whether ``refresh`` would change nothing."""
        is_calibrated = self.calibrated.is_current(session, self.classifier)
        return is_calibrated and self.state.is_current(self._target(session))

    def has_followed(self, session: Session) -> bool:
        """Whether no move of champion, taxonomy or calibration waits for ``refresh``.

        A retry may be due: what answers until then goes on.
        """
        is_calibrated = self.calibrated.is_current(session, self.classifier)
        return is_calibrated and self.state.has_tried(self._target(session))

    def drop(self) -> None:
        """Let go of a model that does not work; ``refresh`` loads it anew after a while.

        In an LLM's place the linear baseline answers meanwhile, unless that failed itself.
        """
        failed = self.state
        self.loader.gpu_failed = gpu.is_pinned()
        retry_at = time.monotonic() + self.retry_after
        self.state = replace(failed, retry_at=retry_at).with_baseline(None)
        if failed.classifier is not None and not failed.degraded:
            self._degrade(failed.classifier.version)

    def _refresh_version(self) -> None:
        """Load the champion if it or the taxonomy changed."""
        with self.database.reading() as session:
            target = self._target(session)
            if self.state.is_current(target):
                return
            units = taxonomy.list_units(session, active_only=True)
            self.active_units = frozenset(unit.code for unit in units)
        before = self.state
        if target.lent_to is not None or isinstance(before, Lent):
            self._hand_over(target)
            return
        # Set first: it must hold where the champion is not loaded, and if loading raises.
        self.state = before.after_failure(target, time.monotonic() + self.retry_after)
        if self.state.loaded_for == target:  # taken back
            self._enter(Serving(classifier=self.classifier, loaded_for=target, tried=target))
        elif target.version is None:
            logger.warning(
                "no model is promoted: tickets wait ('paidan train … --promote')",
                extra={"action": "champion.not_found"},
            )
        else:
            self._try(target, target.version, before)

    def _hand_over(self, target: Target) -> None:
        """Leave the card to a run, or have a new process take it back."""
        if target.lent_to is None:
            self.state = self.state.awaiting_process()
            logger.info("the card is back", extra={"action": "card.returned"})
            return
        is_held = self.needs_new_process or not isinstance(self.state, Empty | Lent)
        self.state = Lent(tried=target, is_held=is_held)
        logger.warning(
            "a training run has the card: tickets wait",
            extra={"action": "card.lent", "run": target.lent_to, "was_held": is_held},
        )

    def _try(self, target: Target, name: str, before: State) -> None:
        """Load the target's version ``name``, or begin to; ``before`` was the state until now."""
        is_retry = before.tried == target
        load: BackgroundLoad | None = None
        if isinstance(before, LoadingBeside) and is_retry:
            load, is_retry = before.load, False
        if is_retry and self.loader.gpu_failed:
            if self.loader.gpu_is_present():
                self.state = self.state.awaiting_process()
        elif load is None and self.loader.needs_gpu_alone(self.classifier, name):
            self.state = self.state.awaiting_process()
        elif load is None and self._may_load_beside(target, name):
            self._enter(
                LoadingBeside(
                    classifier=self.classifier,
                    loaded_for=self.state.loaded_for,
                    tried=target,
                    load=BackgroundLoad(partial(self.loader.read, name)),
                )
            )
        elif (loaded := self.loader.load(name, load, self.version)) is not None:
            self._enter(Serving(classifier=loaded, loaded_for=target, tried=target))
            logger.info("model loaded", extra={"action": "model.loaded", "version": name})
        elif self.classifier is None or (self.degraded and not is_retry):
            self._degrade(name)

    def _may_load_beside(self, target: Target, name: str) -> bool:
        """Whether a thread may read the target's version while the one before answers.

        A change of the units has to count at once, so then it is loaded between two batches.
        """
        serving, loaded_for = self.classifier, self.state.loaded_for
        if serving is None or loaded_for is None:
            return False
        if target.taxonomy != loaded_for.taxonomy or name == loaded_for.version:
            return False
        return self.loader.shares_base(serving, name)

    def _enter(self, state: State) -> None:
        """Go into a state. A process that is to end does so, whatever answers until then."""
        self.state = state.awaiting_process() if self.needs_new_process else state

    def _degrade(self, champion: str) -> None:
        """Let the baseline answer in an LLM's place, if there is one."""
        if registered_kind(self.database, champion) != LLM:
            return
        baseline = load_baseline(self.database, self.models_dir)
        if baseline is None:
            return
        self.state = self.state.with_baseline(baseline)
        fields = {"version": baseline.version, "champion": champion}
        logger.warning(
            "degraded: the baseline answers while the LLM does not work",
            extra={"action": "worker.degraded", **fields},
        )

    def _target(self, session: Session) -> Target:
        champion, units = versions.champion(session), taxonomy.current_version(session)
        run = cards.lent_to(session, self.place)
        if run is not None and champion is not None:
            needs_card = versions.get_version(session, champion).kind == LLM
            run = run if needs_card else None
        return Target(champion, units, run)
