"""What recalibrating is worth when live tickets differ from those a model was trained on.

    python -m bench.recalibrate --banking77 DIRECTORY [--version DIRECTORY]

A linear model learns the part train, or is the version that learned it before. The stream is the
part test as it might come later: of the units that the model knows best most tickets stay away
(``units``), texts lose their end and are mistyped (``texts``), or both. Of the stream, 500 tickets
are drawn at random, as people would have decided the blind sample, and the version is recalibrated
on them; the error among routed tickets of the rest is the truth. A draw keeps the target if
something is routed, and no more of it is wrong. Without --banking77 the synthetic set is measured.
The last line is JSON.
"""

import argparse
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.linear_sets import real, synthetic
from classifier.linear import LinearClassifier
from training.linear.version import train_linear
from training.recalibration import recalibrate
from training.samples import Sample

_KEPT = 0.9  # of a text's words, or characters where it has no words
_MISTYPED = 0.01  # of a text's characters
_KNOWN, _STAY = 0.6, 0.2  # of the units, those known best; of their tickets, those that come


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the rest of the stream: shares, None where nothing is routed."""

    coverage: float
    error: float | None


def main() -> None:
    """Train on each set, and recalibrate for each of its streams."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--banking77", type=Path, help="a directory")
    parser.add_argument("--version", type=Path, help="a linear version's directory")
    parser.add_argument("--tickets", type=int, default=4_000, help="of each synthetic part")
    parser.add_argument("--decided", type=int, default=500)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--error-target", type=float, default=0.05)
    options = parser.parse_args()
    found: dict[str, Any] = {}
    directory, tickets = options.banking77, options.tickets
    data = real(directory) if directory else synthetic(tickets, tickets)
    units = {sample.unit: sample.unit for sample in (*data.train, *data.test)}
    with TemporaryDirectory() as folder:
        version = options.version or train_linear(data.train, units, models_dir=Path(folder)).path
        classifier = LinearClassifier.load(version)
    for shift, shifted in SHIFTS.items():
        classifier.recalibrate(None)
        stream = shifted(classifier, data.test, Random(shift))
        found[shift] = measure(classifier, stream, frozenset(units), options)
    _show(found, options)
    print(json.dumps({"cores": os.cpu_count(), "target": options.error_target, "streams": found}))


def other_units(
    classifier: LinearClassifier, samples: Sequence[Sample], random: Random
) -> list[Sample]:
    """Return a stream in which the units that the model knows best are rare."""
    right: dict[str, list[bool]] = defaultdict(list)
    allowed = [classifier.units] * len(samples)
    decisions = classifier.classify([sample.text for sample in samples], allowed, top_k=1)
    for decision, sample in zip(decisions, samples, strict=True):
        right[sample.unit].append(decision.unit == sample.unit)
    ranked = sorted(right, key=lambda unit: (-float(np.mean(right[unit])), unit))
    known = set(ranked[: round(len(ranked) * _KNOWN)])
    return [one for one in samples if one.unit not in known or random.random() < _STAY]


def other_texts(
    _classifier: LinearClassifier, samples: Sequence[Sample], random: Random
) -> list[Sample]:
    """Return a stream whose texts lose their end and are mistyped."""
    return [Sample(_mistyped(_cut(sample.text), random), sample.unit) for sample in samples]


def other_both(
    classifier: LinearClassifier, samples: Sequence[Sample], random: Random
) -> list[Sample]:
    """Return a stream of other units and of other texts."""
    return other_texts(classifier, other_units(classifier, samples, random), random)


SHIFTS: dict[str, Callable[[LinearClassifier, Sequence[Sample], Random], list[Sample]]] = {
    "units": other_units,
    "texts": other_texts,
    "both": other_both,
}


def _cut(text: str) -> str:
    """Return the beginning of a text: most of its words, or of its characters."""
    words = text.split()
    if len(words) > 1:
        return " ".join(words[: round(len(words) * _KEPT)])
    return text[: round(len(text) * _KEPT)]


def _mistyped(text: str, random: Random) -> str:
    """Return a text in which some characters changed places with the next one."""
    characters = list(text)
    for place in range(len(characters) - 1):
        if random.random() < _MISTYPED:
            characters[place : place + 2] = reversed(characters[place : place + 2])
    return "".join(characters)


def measure(
    classifier: LinearClassifier,
    stream: Sequence[Sample],
    units: frozenset[str],
    options: argparse.Namespace,
) -> dict[str, Any]:
    """Return what becomes of a stream before and after, over all draws."""
    classifier.recalibrate(None)
    before = outcome(classifier, stream, units)
    after: list[Outcome] = []
    began = time.perf_counter()
    for draw in range(options.draws):
        order = np.random.default_rng(draw).permutation(len(stream)).tolist()
        decided = [stream[row] for row in order[: options.decided]]
        classifier.recalibrate(None)
        recalibrate(
            classifier,
            decided,
            units,
            error_target=options.error_target,
            no_unit_review=0.0,
            seed=draw,
        )
        rest = [stream[row] for row in order[options.decided :]]
        after.append(outcome(classifier, rest, units))
    kept = [one.error is not None and one.error <= options.error_target for one in after]
    return {
        "tickets": len(stream),
        "coverage_before": round(before.coverage, 4),
        "error_before": _rounded(before.error),
        "coverage_after": _mean([one.coverage for one in after]),
        "error_after": _mean([one.error for one in after if one.error is not None]),
        "kept": sum(kept),
        "broken": sum(one.error is not None for one in after) - sum(kept),
        "held_all": sum(one.error is None for one in after),
        "seconds": round(time.perf_counter() - began, 1),
    }


def outcome(
    classifier: LinearClassifier, samples: Sequence[Sample], units: frozenset[str]
) -> Outcome:
    """Return what becomes of tickets as the version decides now."""
    decisions = classifier.classify([s.text for s in samples], [units] * len(samples), top_k=1)
    pairs = zip(decisions, samples, strict=True)
    wrong = [one.unit != sample.unit for one, sample in pairs if one.held_back is None]
    return Outcome(len(wrong) / len(samples), float(np.mean(wrong)) if wrong else None)


def _mean(values: Sequence[float]) -> float | None:
    return _rounded(float(np.mean(values))) if values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _show(found: dict[str, Any], options: argparse.Namespace) -> None:
    title = f"{options.decided} decided tickets, {options.draws} draws, target"
    table = Table(title=f"{title} {options.error_target:.0%}")
    columns = list(dict.fromkeys(key for row in found.values() for key in row))
    for heading in ("stream", *columns):
        table.add_column(heading.replace("_", " "))
    for name, row in found.items():
        table.add_row(name, *(str(row[key]) for key in columns))
    Console().print(table)


if __name__ == "__main__":
    main()
