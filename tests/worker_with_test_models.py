"""Starts a real worker that also knows the models of these tests (``python -m`` this module).

``poison`` kills its own process with SIGKILL when a text holds 毒; ``failing`` raises on 坏;
``paced`` takes two milliseconds a ticket, so that a test can kill it while it works.
"""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from classifier import loading
from classifier.constant import ConstantClassifier
from classifier.interface import Decision
from paidan.cli import main

_PACE_S = 0.002


class PoisonClassifier(ConstantClassifier):
    kind = "poison"

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        if any("毒" in text for text in texts):
            os.kill(os.getpid(), signal.SIGKILL)
        if any("坏" in text for text in texts):
            raise RuntimeError("cannot digest this")
        return super().classify(texts, allowed, top_k)


class PacedClassifier(ConstantClassifier):
    kind = "paced"

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        time.sleep(_PACE_S * len(texts))
        return super().classify(texts, allowed, top_k)


def _load_constant(directory: Path, mapping: Mapping[str, str] | None) -> ConstantClassifier:
    """Load what a constant version holds as the model that ``TEST_MODEL`` names."""
    models = {"poison": PoisonClassifier, "paced": PacedClassifier}
    return models[os.environ["TEST_MODEL"]].load(directory, mapping)


if __name__ == "__main__":
    loading.KINDS["constant"] = _load_constant
    sys.argv = ["paidan", "worker", "--cpu"]
    main()
