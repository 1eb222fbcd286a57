"""Figures of many answers, and how far two of them are apart beyond chance."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self

Measure = Literal["unit mix", "confidence", "no_unit", "override rate"]
THRESHOLDS: Mapping[Measure, float] = {
    "unit mix": 0.10,  # of the tickets go to other units than before
    "confidence": 0.05,  # lower on average
    "no_unit": 0.05,  # of the tickets more belong to no unit
    "override rate": 0.02,  # of the routed tickets more are taken away from their unit
}
"""How far a measure may move for the worse."""
REFERENCE = "reference"
"""A version's metric: figures of what it learned and of its held-out answers."""
TRAINING, FIRST = "training", "first answers"
"""What the champion's newest answers are compared with."""
# What chance explains, in standard errors: one false alarm in 700 looks at a measure.
_ERRORS = 3.0


class Answered(NamedTuple):
    """An answer: its unit, probability, why it was held back, how often it was overridden."""

    unit: str
    probability: float
    held_back: str | None
    overrides: int


class Confidence(NamedTuple):
    """Probabilities of answers: their mean, their variance, and how many they are."""

    mean: float
    variance: float
    answers: int

    @classmethod
    def of(cls, confidences: Sequence[float]) -> "Confidence | None":
        """Return what some probabilities are; None where there are none."""
        if not confidences:
            return None
        mean = math.fsum(confidences) / len(confidences)
        squares = math.fsum((one - mean) ** 2 for one in confidences)
        return cls(mean, squares / len(confidences), len(confidences))


class Hits(NamedTuple):
    """How often something happened, of so many times."""

    hits: int
    trials: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What many answers look like; what is None is not compared.

    Attributes:
        units: answers by unit code.
        confidence: of the answers; the means are compared.
        no_unit: answers held back as ``no_unit``.
        overridden: of those acted on, whose tickets people or units took away.
    """

    units: Mapping[str, int]
    confidence: Confidence | None = None
    no_unit: Hits | None = None
    overridden: Hits | None = None

    @classmethod
    def of(cls, answers: Iterable[Answered]) -> Self:
        """Return the figures of answers."""
        answers = list(answers)
        routed = [one for one in answers if one.held_back is None]
        return cls(
            units=Counter(one.unit for one in answers),
            confidence=Confidence.of([one.probability for one in answers]),
            no_unit=Hits(sum(one.held_back == "no_unit" for one in answers), len(answers)),
            overridden=Hits(sum(one.overrides > 0 for one in routed), len(routed)),
        )

    @classmethod
    def read(cls, facts: Mapping[str, Any], groups: Mapping[str, str]) -> Self:
        """Return a version's figures of when it was trained, as ``training.reference`` tells them.

        Args:
            facts: the metric ``REFERENCE``.
            groups: codes of units -> codes under which they are compared.
        """
        units: Counter[str] = Counter()
        for code, count in facts["units"].items():
            units[groups.get(code, code)] += count
        return cls(units, Confidence(*facts["confidence"]), Hits(*facts["no_unit"]))

    @property
    def tickets(self) -> int:
        """How many answers these are."""
        return sum(self.units.values())


@dataclass(frozen=True, slots=True)
class Moved:
    """How far one measure moved.

    Attributes:
        measure: which.
        reference: its value in the reference; of the unit mix 0, which is itself a distance.
        recent: its value now.
        by: how far it moved for the worse.
        chance: how far chance alone may have moved it.
        against: what the reference is, ``TRAINING`` or ``FIRST``.
    """

    measure: Measure
    reference: float
    recent: float
    by: float
    chance: float
    against: str = FIRST

    @property
    def is_beyond_chance(self) -> bool:
        """Whether chance does not explain it."""
        return self.by > self.chance

    @property
    def is_crossed(self) -> bool:
        """Whether it is over its threshold, and not by chance."""
        return self.is_beyond_chance and self.by > THRESHOLDS[self.measure]


def compare(reference: Figures, recent: Figures) -> list[Moved]:
    """Return how far each measure moved for which both have answers and figures."""
    if not reference.tickets or not recent.tickets:
        return []
    moved = [_mix(reference.units, recent.units)]
    if reference.confidence is not None and recent.confidence is not None:
        moved.append(_confidence(reference.confidence, recent.confidence))
    if reference.no_unit is not None and recent.no_unit is not None:
        moved.append(_share("no_unit", reference.no_unit, recent.no_unit))
    if reference.overridden is not None and recent.overridden is not None:
        moved.append(_share("override rate", reference.overridden, recent.overridden))
    return moved


def _mix(before: Mapping[str, int], now: Mapping[str, int]) -> Moved:
    """Compare by total variation: half of what the shares of all units differ.

    Two samples of one mix are apart, too: on average by the mean of each unit's normal error.
    """
    n, m = sum(before.values()), sum(now.values())
    units = before.keys() | now.keys()
    apart = sum(abs(before.get(u, 0) / n - now.get(u, 0) / m) for u in units) / 2
    spread = [_spread((before.get(u, 0) + now.get(u, 0)) / (n + m), n, m) for u in units]
    mean = math.sqrt(2 / math.pi) * sum(spread) / 2
    error = math.sqrt(1 - 2 / math.pi) * math.hypot(*spread) / 2
    return Moved("unit mix", 0.0, apart, apart - mean, _ERRORS * error)


def _confidence(before: Confidence, now: Confidence) -> Moved:
    chance = _ERRORS * math.sqrt(sum(one.variance / one.answers for one in (before, now)))
    return Moved("confidence", before.mean, now.mean, before.mean - now.mean, chance)


def _share(measure: Measure, before: Hits, now: Hits) -> Moved:
    shares = [hits / trials if trials else 0.0 for hits, trials in (before, now)]
    # One hit and one miss more keep rare hits from looking sure (Agresti & Caffo, The American
    # Statistician 2000).
    n, m = before.trials + 2, now.trials + 2
    pooled = (before.hits + now.hits + 2) / (n + m)
    chance = _ERRORS * _spread(pooled, n, m)
    return Moved(measure, shares[0], shares[1], shares[1] - shares[0], chance)


def _spread(share: float, n: int, m: int) -> float:
    """Return the standard error of the difference of two counts' shares."""
    return math.sqrt(share * (1 - share) * (1 / n + 1 / m))
