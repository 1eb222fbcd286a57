"""The gate on real classifiers: linear versions that learned more or fewer synthetic tickets."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from classifier.interface import Classifier, Decision
from classifier.linear import LinearClassifier
from classifier.manifest import Calibration
from core.text import model_text
from paidan.sample.generator import generate
from training.gate.costs import Costs
from training.gate.judging import Evidence, judge
from training.gate.tickets import BY_CHANCE, JudgedTicket, text_hash
from training.linear.version import train_linear
from training.near_duplicates import group_near_duplicates
from training.samples import Sample

UNITS = ("U001", "U002", "U004", "U005", "U013", "U056")
ALLOWED = frozenset(UNITS)
FEW, MANY, FROZEN = 70, 400, 900  # up to where champion, challenger and frozen set go
SAME = (Costs((0.02,)), Costs((0.02,)))


class Versions(NamedTuple):
    poor: Classifier
    good: Classifier
    samples: list[Sample]


class Spoilt:
    """A classifier whose answers are changed: (text, unit) -> unit."""

    kind = "spoilt"

    def __init__(self, inner: Classifier, change: Callable[[str, str], str]) -> None:
        self._inner, self._change = inner, change
        self.version = f"{inner.version}-spoilt"
        self.units = inner.units
        self.token_budget = inner.token_budget

    @property
    def calibration(self) -> Calibration:
        return self._inner.calibration

    def recalibrate(self, calibration: Calibration | None) -> None:
        self._inner.recalibrate(calibration)

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        decisions = self._inner.classify(texts, allowed, top_k)
        return [
            replace(decision, unit=self._change(text, decision.unit))
            for text, decision in zip(texts, decisions, strict=True)
        ]


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    """Two versions of the same kind, the one having learned more of the same tickets."""
    tickets = [ticket for ticket in generate(7_000) if ticket.unit in ALLOWED]
    samples = [Sample(model_text(one.title, one.text), one.unit) for one in tickets]

    def learn(count: int) -> Classifier:
        folder: Path = tmp_path_factory.mktemp("models")
        version = train_linear(samples[:count], {code: code for code in UNITS}, models_dir=folder)
        return LinearClassifier.load(version.path)

    return Versions(learn(FEW), learn(MANY), samples)


def evidence(champion: Classifier, samples: Sequence[Sample]) -> Evidence:
    """A frozen set, and later tickets that people see, since the champion doubts or by chance."""
    groups = group_near_duplicates([sample.text for sample in samples]).tolist()
    frozen = [
        JudgedTicket(sample.text, sample.unit, group)
        for sample, group in zip(samples[MANY:FROZEN], groups[MANY:FROZEN], strict=True)
    ]
    stream = samples[FROZEN:]
    answers = champion.classify([sample.text for sample in stream], [ALLOWED] * len(stream))
    told = zip(stream, groups[FROZEN:], answers, strict=True)
    recent, unseen = [], 0
    for row, (sample, group, decision) in enumerate(told):
        if decision.held_back:
            recent.append(JudgedTicket(sample.text, sample.unit, group, decision.held_back, 1.0))
        elif row % 5 == 0:
            recent.append(JudgedTicket(sample.text, sample.unit, group, BY_CHANCE, 0.2))
        else:
            unseen += 1
    return Evidence(frozen, recent, unseen)


def test_the_version_that_learned_more_takes_over(versions: Versions) -> None:
    poor, good, samples = versions
    learned = {text_hash(sample.text) for sample in samples[:MANY]}

    verdict = judge(
        evidence(poor, samples), poor, good, allowed=ALLOWED, learned=learned, costs=SAME
    )

    assert verdict.promoted, verdict.reasons


def test_the_version_that_learned_less_does_not(versions: Versions) -> None:
    poor, good, samples = versions

    verdict = judge(evidence(good, samples), good, poor, allowed=ALLOWED, costs=SAME)

    assert {"frozen", "recent"} <= {finding.check for finding in verdict.refusals}


def test_random_flips_of_a_fifth_are_refused(versions: Versions) -> None:
    _, good, samples = versions

    def flip(text: str, unit: str) -> str:
        drawn = int(text_hash(text)[:8], 16)
        return UNITS[drawn % len(UNITS)] if drawn % 1_000 < 240 else unit  # one of six is no flip

    verdict = judge(evidence(good, samples), good, Spoilt(good, flip), allowed=ALLOWED, costs=SAME)

    assert "frozen" in {finding.check for finding in verdict.refusals}


def test_a_better_version_that_diverts_a_unit_is_refused_and_the_unit_named(
    versions: Versions,
) -> None:
    poor, good, samples = versions
    tickets = evidence(poor, samples)
    unit = max(UNITS, key=[one.unit for one in tickets.frozen].count)
    target = next(code for code in UNITS if code != unit)

    spoilt = Spoilt(good, lambda _, said: target if said == unit else said)

    verdict = judge(tickets, poor, spoilt, allowed=ALLOWED, costs=SAME)

    found = next(finding for finding in verdict.refusals if finding.check == "units")
    assert f"unit {unit}: " in found.text
    assert f"to unit {target}" in found.text
