"""Figures of many answers, and how far two of them are apart beyond chance."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

Measure = Literal["unit mix", "confidence", "no_unit", "override rate"]
THRESHOLDS: Mapping[Measure, float] = {
    "unit mix": 0.10,  # of the tickets go to other units than before
    "confidence": 0.05,  # lower on average
    "no_unit": 0.05,  # of the tickets more belong to no unit
    "override rate": 0.02,  # of the routed tickets more are taken away from their unit
}
"""How far a measure may move for the worse."""
# What chance explains, in standard errors: one false alarm in 700 looks at a measure.
_ERRORS = 3.0


class Answered(NamedTuple):
    """An answer: its unit, probability, why it was held back, how often it was overridden."""

    unit: str
    probability: float
    held_back: str | None
    overrides: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What many answers look like.

    Attributes:
        units: answers by unit code.
        confidences: of the answers; their means are compared. Empty: nothing is.
        no_unit: answers held back as ``no_unit``; None: not compared.
        routed: answers that were acted on.
        overridden: of these, people or units took the ticket away; None: not compared.
    """

    units: Mapping[str, int]
    confidences: Sequence[float] = ()
    no_unit: int | None = None
    routed: int = 0
    overridden: int | None = None

    @classmethod
    def of(cls, answers: Iterable[Answered]) -> Self:
        """Return the figures of answers."""
        answers = list(answers)
        routed = [one for one in answers if one.held_back is None]
        return cls(
            units=Counter(one.unit for one in answers),
            confidences=[one.probability for one in answers],
            no_unit=sum(one.held_back == "no_unit" for one in answers),
            routed=len(routed),
            overridden=sum(one.overrides > 0 for one in routed),
        )

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
    """

    measure: Measure
    reference: float
    recent: float
    by: float
    chance: float

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
    if reference.confidences and recent.confidences:
        moved.append(_confidence(reference.confidences, recent.confidences))
    if reference.no_unit is not None and recent.no_unit is not None:
        before, now = (reference.no_unit, reference.tickets), (recent.no_unit, recent.tickets)
        moved.append(_share("no_unit", before, now))
    if reference.overridden is not None and recent.overridden is not None:
        before, now = (reference.overridden, reference.routed), (recent.overridden, recent.routed)
        moved.append(_share("override rate", before, now))
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


def _confidence(before: Sequence[float], now: Sequence[float]) -> Moved:
    means = [math.fsum(some) / len(some) for some in (before, now)]
    squares = [
        math.fsum((one - mean) ** 2 for one in some) / len(some) ** 2
        for some, mean in zip((before, now), means, strict=True)
    ]
    chance = _ERRORS * math.sqrt(sum(squares))
    return Moved("confidence", means[0], means[1], means[0] - means[1], chance)


def _share(measure: Measure, before: tuple[int, int], now: tuple[int, int]) -> Moved:
    """Compare two (hits, trials)."""
    shares = [hits / trials if trials else 0.0 for hits, trials in (before, now)]
    # One hit and one miss more keep rare hits from looking sure (Agresti & Caffo, The American
    # Statistician 2000).
    n, m = before[1] + 2, now[1] + 2
    pooled = (before[0] + now[0] + 2) / (n + m)
    chance = _ERRORS * _spread(pooled, n, m)
    return Moved(measure, shares[0], shares[1], shares[1] - shares[0], chance)


def _spread(share: float, n: int, m: int) -> float:
    """Return the standard error of the difference of two counts' shares."""
    return math.sqrt(share * (1 - share) * (1 / n + 1 / m))
