"""Which units are taken for which, by two versions."""

from collections import Counter
from dataclasses import dataclass

from training.evaluation import Answered


@dataclass(frozen=True, slots=True)
class Confusion:
    """Tickets of a unit that were answered with another.

    Parameters:
        unit: the right one.
        answer: the other; empty where no allowed unit was learned.
        first: how many by the first version.
        second: by the second.
    """

    unit: str
    answer: str
    first: int
    second: int

    @property
    def change(self) -> int:
        """How many more the second version has."""
        return self.second - self.first


def confusions(first: Answered, second: Answered) -> list[Confusion]:
    """Return all pairs of units that either version confuses, by their codes."""
    one, other = _count(first), _count(second)
    return [Confusion(*pair, one[pair], other[pair]) for pair in sorted({*one, *other})]


def most_of(pairs: list[Confusion], version: int, count: int) -> list[Confusion]:
    """Return the pairs that a version, 0 or 1, confuses most often."""
    often = [pair for pair in pairs if (pair.first, pair.second)[version]]
    return sorted(often, key=lambda pair: -(pair.first, pair.second)[version])[:count]


def most_changed(pairs: list[Confusion], count: int) -> list[Confusion]:
    """Return the pairs whose numbers differ most, either way."""
    changed = [pair for pair in pairs if pair.change]
    return sorted(changed, key=lambda pair: -abs(pair.change))[:count]


def _count(answered: Answered) -> Counter[tuple[str, str]]:
    pairs = zip(answered.gold, answered.units, strict=True)
    return Counter((gold, unit) for gold, unit in pairs if gold != unit)
