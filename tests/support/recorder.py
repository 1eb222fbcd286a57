"""A model that remembers what it is asked and does what a test says."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from classifier.interface import Decision
from worker.resident import Resident


class Recorder:
    """Stands at the model's place, remembers what it is asked and does what a test says."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.batches: list[list[str]] = []
        self.allowed: list[frozenset[str]] = []
        self.before: Callable[[Sequence[str]], None] = lambda texts: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        self.batches.append(list(texts))
        self.allowed += allowed
        self.before(texts)
        decisions: list[Decision] = self.inner.classify(texts, allowed, top_k)
        return decisions


def put_model(resident: Resident, model: Any) -> None:
    """Let another model answer in the place of the one that was loaded."""
    resident.state = replace(resident.state, classifier=model)
