"""Starts a real worker that also knows the models of these tests (``python -m`` this module).

``poison`` kills its own process with SIGKILL when a text holds 毒; ``failing`` raises on 坏;
``paced`` takes two milliseconds a ticket (or ``TEST_PACE_S`` seconds), so that a test can kill it
while it works; ``card`` passes for an LLM, which holds a card. Constant
versions and LLM versions alike are wrapped so.

``TEST_TRANSPORT=kombu`` takes kombu's own transport instead of ours, for the watchdog's tests.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kombu.transport import TRANSPORT_ALIASES

from classifier import loading
from classifier.interface import Batch, Classifier, Decision, classify_batches
from core.broker import get_app
from paidan.cli import main

_PACE_S = float(os.environ.get("TEST_PACE_S", "0.002"))
KOMBUS = "kombu.transport.redis:Transport"


class Wrapped:
    """A classifier that does something else first."""

    def __init__(self, inner: Classifier) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        self.before(texts)
        return self.inner.classify(texts, allowed, top_k)

    def classify_batches(
        self, batches: Iterable[Batch], top_k: int = 5
    ) -> Iterator[tuple[Batch, list[Decision]]]:
        return classify_batches(self.inner, map(self._looked_at, batches), top_k)

    def _looked_at(self, batch: Batch) -> Batch:
        self.before(batch.texts)
        return batch

    def before(self, texts: Sequence[str]) -> None:
        raise NotImplementedError


class Poison(Wrapped):
    def before(self, texts: Sequence[str]) -> None:
        if any("毒" in text for text in texts):
            os.kill(os.getpid(), signal.SIGKILL)
        if any("坏" in text for text in texts):
            raise RuntimeError("cannot digest this")


class Paced(Wrapped):
    def before(self, texts: Sequence[str]) -> None:
        time.sleep(_PACE_S * len(texts))


class Card(Wrapped):
    kind = "llm"

    def before(self, texts: Sequence[str]) -> None:
        pass


def _wrap(load: loading.Loader, wrapper: type[Wrapped]) -> loading.Loader:
    def wrapped(
        directory: Path, mapping: Mapping[str, str] | None, options: loading.Options
    ) -> Classifier:
        return wrapper(load(directory, mapping, options))  # type: ignore[return-value]  # by __getattr__

    return wrapped


if __name__ == "__main__":
    chosen = {"poison": Poison, "paced": Paced, "card": Card, "plain": None}[
        os.environ["TEST_MODEL"]
    ]
    if chosen is not None:
        for kind in ("constant", "llm"):
            loading.KINDS[kind] = _wrap(loading.KINDS[kind], chosen)
    if os.environ.get("TEST_TRANSPORT") == "kombu":
        get_app()  # names ours
        TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), KOMBUS))
    sys.argv = ["paidan", "worker", "--cpu"]
    main()
