"""The states of the resident model, each with what answers in it. ``Resident`` draws them."""

import math
import time
from dataclasses import dataclass, replace

from classifier.interface import Classifier
from worker.background_load import BackgroundLoad


@dataclass(frozen=True, slots=True)
class Target:
    """What should answer: the champion, for the taxonomy as it is now.

    Attributes:
        version: the champion's name; None where no version is promoted.
        taxonomy: the taxonomy's version.
        lent_to: the training run that has the card to itself; None where there is none, or the
            champion needs no card.
    """

    version: str | None
    taxonomy: int
    lent_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What answers, and which target was tried last.

    Attributes:
        classifier: the model that answers; None where tickets wait.
        loaded_for: the target it was loaded for; None for the baseline, and for nothing.
        tried: the target that was tried last; None before the first.
        retry_at: when that is tried again, in monotonic seconds.
    """

    classifier: Classifier | None = None
    loaded_for: Target | None = None
    tried: Target | None = None
    retry_at: float = math.inf

    @property
    def degraded(self) -> bool:
        """Whether the baseline answers in an LLM's place."""
        return self.classifier is not None and self.loaded_for is None

    def has_tried(self, target: Target) -> bool:
        """Whether what answers is all that there is to answer for a target, until a retry."""
        return target == self.tried

    def is_current(self, target: Target) -> bool:
        """Whether nothing is to be done for a target."""
        return self.has_tried(target) and time.monotonic() < self.retry_at

    def after_failure(self, target: Target, retry_at: float) -> "State":
        """Return what is left when a target was tried and does not answer."""
        kind = Empty if self.classifier is None else Degraded if self.degraded else Outdated
        return kind(
            classifier=self.classifier,
            loaded_for=self.loaded_for,
            tried=target,
            retry_at=retry_at,
        )

    def with_baseline(self, baseline: Classifier | None) -> "State":
        """Return what is left when the champion answers no more: the baseline, or nothing."""
        kind = Empty if baseline is None else Degraded
        return kind(classifier=baseline, tried=self.tried, retry_at=self.retry_at)

    def awaiting_process(self) -> "AwaitingProcess":
        """Return the state in which this one's answer goes on until a new process takes over."""
        return AwaitingProcess(
            classifier=self.classifier,
            loaded_for=self.loaded_for,
            tried=self.tried,
            retry_at=self.retry_at,
        )


class Empty(State):
    """Nothing answers: tickets wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent(State):
    """A training run has the card: nothing answers, and tickets wait.

    Attributes:
        is_held: whether this process has had a model on the card. Only its end frees all of it.
    """

    is_held: bool


class Serving(State):
    """The champion answers."""


class Outdated(State):
    """The version before answers: the champion was refused, or could not be loaded."""


class Degraded(State):
    """The baseline answers in the place of an LLM that does not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadingBeside(State):
    """The version before answers while a thread reads the champion.

    Attributes:
        load: reads the version of ``tried``.
    """

    load: BackgroundLoad

    def has_tried(self, target: Target) -> bool:
        """Whether the thread still reads. Another move of the champion waits for it too."""
        del target
        return not self.load.is_done

    def is_current(self, target: Target) -> bool:
        """Whether the thread still reads."""
        return self.has_tried(target)

    def with_baseline(self, baseline: Classifier | None) -> State:
        """Return this state with another model that answers until the champion is there."""
        return replace(self, classifier=baseline, loaded_for=None)


class AwaitingProcess(State):
    """The champion needs a process of its own, which takes over after the message at work."""

    def after_failure(self, target: Target, retry_at: float) -> State:
        """Return this state: whatever answers until then, the process ends."""
        return replace(self, tried=target, retry_at=retry_at)

    def with_baseline(self, baseline: Classifier | None) -> State:
        """Return this state with another model that answers until then."""
        return replace(self, classifier=baseline, loaded_for=None)
