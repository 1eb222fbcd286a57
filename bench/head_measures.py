"""What answers to a test part are worth, for ``bench.head``."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from classifier.blend import Blend
from classifier.calibration import Floats, softmax
from classifier.interface import Batch
from classifier.llm import LlmClassifier
from classifier.setup import Answer, AnswerBy, Setup
from registry.writer import TrainedVersion
from training.adapter.choice import measures
from training.held_out import HeldOut
from training.near_duplicates import group_near_duplicates
from training.paired import paired_interval
from training.risk_coverage import risk_coverage
from training.samples import Sample

BATCH = 256
"""Tickets of a batch, as a worker's."""
Figures = dict[str, float | str | bool | None]
Right = NDArray[np.bool_]


@dataclass(frozen=True)
class Part:
    """The tickets that are answered.

    Parameters:
        test: n of them.
        units: codes of all units there are.
    """

    test: Sequence[Sample]
    units: Sequence[str]

    @cached_property
    def texts(self) -> list[str]:
        """The n texts."""
        return [sample.text for sample in self.test]

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """(n,) group numbers of near-duplicates."""
        return group_near_duplicates(self.texts)

    def measured(
        self, logits: Floats, codes: Sequence[str], temperature: float
    ) -> tuple[Figures, Right]:
        """Return what answers are worth, and (n,) which of them are right.

        Args:
            logits: (n, units) of the answers.
            codes: of the units, in their order.
            temperature: by which the version divides them.

        Raises:
            KeyError: a test ticket's unit is none of them.
        """
        numbers = {code: number for number, code in enumerate(codes)}
        labels = np.array([numbers[sample.unit] for sample in self.test], dtype=np.int64)
        found = measures(HeldOut(logits, labels, self.groups), temperature)
        right = logits.argmax(axis=1) == labels
        area = risk_coverage(softmax(logits, temperature).max(axis=1), right).area
        shown = {name: found[name] for name in ("accuracy", "calibration_error", "nll")}
        return {**shown, "aurc": area}, right

    def gain(self, right: NDArray[np.float64], over: Right) -> dict[str, float]:
        """Return by how much (n,) answers are right more often than others, with its interval."""
        differences = right - over
        low, high = paired_interval(differences, self.groups)
        return {"gain": float(differences.mean()), "gain_low": low, "gain_high": high}


def answering(
    version: TrainedVersion, by: AnswerBy, blend: Blend | None = None
) -> tuple[LlmClassifier, Answer]:
    """Return a version's classifier that answers by head, names or blend, whatever it chose."""
    loaded = LlmClassifier.load(version.path)
    answer = Setup.read(version.path, version.manifest).answer
    assert answer is not None
    asked = answer.model_copy(update={"by": by, "linear_weight": blend.weight if blend else 0.0})
    calibration = version.manifest.calibration
    return LlmClassifier(version.name, loaded.engine, calibration, answer=asked, blend=blend), asked


def tickets_per_s(classifier: LlmClassifier, part: Part, passes: int) -> float:
    """Return the median speed of some passes over the tickets, after one that is not counted."""
    allowed = frozenset(part.units)
    seconds = []
    for _ in range(passes + 1):
        starts = range(0, len(part.texts), BATCH)
        parts = (part.texts[start : start + BATCH] for start in starts)
        batches = (Batch(texts, [allowed] * len(texts)) for texts in parts)
        began = time.perf_counter()
        for _answered in classifier.classify_batches(batches):
            pass
        seconds.append(time.perf_counter() - began)
    return len(part.texts) / statistics.median(seconds[1:])
