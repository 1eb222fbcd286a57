"""The decision rule: from the probabilities of learned units to the unit of a ticket.

All kinds of version share it. It sums up units that were merged, ranks, and says why a person is
asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from classifier.belonging import BELONGING
from classifier.calibration import HOLD_ALL, Floats
from classifier.interface import PROBABILITY_DECIMALS, Decision, HeldBack, unlearned
from classifier.labels.search import OPEN_MASS
from classifier.manifest import Calibration, ConformalSet
from core.errors import ModelFaultError, ModelVersionError

UNRANKED = -1.0
"""The probability of a unit that a search left unread, which has ``OPEN_MASS`` at most: it is in no
ranking, and in those sets whose floor is as low."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Which learned units stand for a set of allowed ones.

    Parameters:
        learned: their codes, those that stand for one unit side by side.
        numbers: (k,) where each stands in class order.
        codes: the units they stand for, ascending.
        firsts: where each of these begins among ``learned``.
    """

    learned: tuple[str, ...]
    numbers: NDArray[np.int64]
    codes: tuple[str, ...]
    firsts: tuple[int, ...]

    @property
    def are_merged(self) -> bool:
        """Whether two learned units stand for one."""
        return len(self.codes) < len(self.learned)

    def sums(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n, units) probabilities, those of merged units summed, of (n, k)."""
        if not self.are_merged:
            return probabilities
        return np.asarray(np.add.reduceat(probabilities, self.firsts, axis=1))


class DecisionRule:
    """What a version makes of probabilities.

    Parameters:
        version: the version's name.
        classes: codes of the learned units, in class order.
        calibration: threshold, score of belonging, sets; the version's own.
        mapping: learned unit code -> code of the unit that now stands for it; a code that is not in
            it stands for itself.
        untaught: which of the classes were in no training data: their names alone are known.
    """

    def __init__(
        self,
        version: str,
        classes: Sequence[str],
        calibration: Calibration,
        mapping: Mapping[str, str] | None = None,
        untaught: frozenset[str] = frozenset(),
    ) -> None:
        self.version = version
        self._mapping = mapping or {}
        self._targets = self.units_now(classes)
        self._classes = tuple(classes)
        self.units = frozenset(self._targets)
        taught = {t for t, code in zip(self._targets, classes, strict=True) if code not in untaught}
        self._untaught = self.units - taught
        self.columns = lru_cache(maxsize=256)(self._columns)
        self._own = calibration
        self.recalibrate(None)

    def units_now(self, learned: Sequence[str]) -> tuple[str, ...]:
        """Return the codes of the units that now stand for learned ones."""
        return tuple(self._mapping.get(code, code) for code in learned)

    def recalibrate(self, calibration: Calibration | None) -> None:
        """Decide by another calibration from now on, or by the version's own again (None).

        Raises:
            ModelVersionError: it names a score of belonging that this Paidan does not have.
        """
        calibration = calibration or self._own
        no_unit = calibration.no_unit
        if no_unit is not None and no_unit.score not in BELONGING:
            raise ModelVersionError(
                f"model version {self.version} tells tickets of no unit by {no_unit.score!r}, this "
                f"Paidan knows {', '.join(BELONGING)}: use the Paidan that calibrated it, or "
                "calibrate it again: paidan recalibrate"
            )
        self.calibration = calibration

    @property
    def temperature(self) -> float:
        """By which scores are divided before they become probabilities."""
        return self.calibration.temperature

    @property
    def holds_all(self) -> bool:
        """Whether every answer is held back, however probable."""
        return self.calibration.threshold >= HOLD_ALL

    def belonging(self, logits: Floats) -> NDArray[np.float64] | None:
        """Return (n,) scores of belonging of logits over all learned units.

        None where the version does not ask for them.
        """
        no_unit = self.calibration.no_unit
        return BELONGING[no_unit.score](logits, self.temperature) if no_unit else None

    def decide(
        self,
        probabilities: NDArray[np.float64],
        columns: Columns,
        allowed: frozenset[str],
        top_k: int,
        belonging: NDArray[np.float64] | None = None,
    ) -> list[Decision]:
        """Return the decisions of n tickets that share a set of allowed units.

        Args:
            probabilities: (n, k) of ``columns.learned``, each row summing to 1 but for those that
                are ``UNRANKED``; none is where units are merged.
            columns: of ``allowed``.
            allowed: the tickets' allowed units.
            top_k: how many units to name at most.
            belonging: (n,) scores, see ``belonging``.

        Raises:
            ModelFaultError: some are no numbers, as weights make them that are too large.
        """
        if not columns.learned:
            return [unlearned(allowed, top_k, self.version)] * len(probabilities)
        if not np.isfinite(probabilities).all():
            raise ModelFaultError(
                f"model version {self.version} answers with what is no number: its weights or its "
                "temperature are out of all bounds; promote another version, or train again"
            )
        rounded = np.minimum(columns.sums(probabilities).round(PROBABILITY_DECIMALS), 1.0)
        ranked = np.argsort(-rounded, axis=1, kind="stable")  # ties stay in the order of codes
        strangers = self._strangers(belonging, len(rounded))
        sets = [(one, self._floors(one, columns)) for one in self.calibration.sets]
        at_most = np.where(rounded == UNRANKED, OPEN_MASS, rounded)
        best = ranked[:, :top_k]
        rows = zip(best.tolist(), np.take_along_axis(rounded, best, axis=1).tolist(), strict=True)
        decisions = []
        for row, (places, values) in enumerate(rows):
            named = zip(places, values, strict=True)
            top = tuple((columns.codes[place], value) for place, value in named if value >= 0)
            held_back = self._held_back(*top[0], is_stranger=strangers[row])
            held = tuple(
                (one.level, _members(at_most[row], ranked[row], floors, columns.codes))
                for one, floors in sets
            )
            decisions.append(Decision(*top[0], top, held_back, self.version, held))
        return decisions

    def _columns(self, allowed: frozenset[str]) -> Columns:
        chosen = sorted(
            (target, number) for number, target in enumerate(self._targets) if target in allowed
        )
        codes, firsts = [], []
        for code, places in groupby(range(len(chosen)), key=lambda place: chosen[place][0]):
            codes.append(code)
            firsts.append(next(places))
        numbers = np.array([number for _, number in chosen], dtype=np.int64)
        learned = tuple(self._classes[number] for number in numbers)
        return Columns(learned, numbers, tuple(codes), tuple(firsts))

    def _strangers(self, belonging: NDArray[np.float64] | None, count: int) -> Sequence[bool]:
        """Return which tickets seem to belong to no unit."""
        no_unit = self.calibration.no_unit
        if no_unit is None or belonging is None:
            return [False] * count
        found: list[bool] = (belonging < no_unit.threshold).tolist()
        return found

    def _held_back(self, unit: str, probability: float, *, is_stranger: bool) -> HeldBack | None:
        if unit in self._untaught:
            return "unlearned"
        if is_stranger:
            return "no_unit"
        return "doubtful" if probability < self.calibration.threshold else None

    def _floors(self, one: ConformalSet, columns: Columns) -> NDArray[np.float64]:
        """Return each unit's floor; units that were merged have the lowest of theirs."""
        floors = np.array([one.floors.get(code, one.floor) for code in columns.learned])
        if columns.are_merged:
            floors = np.minimum.reduceat(floors, columns.firsts)
        return floors


def _members(
    probabilities: NDArray[np.float64],
    ranked: NDArray[np.int64],
    floors: NDArray[np.float64],
    codes: Sequence[str],
) -> tuple[str, ...]:
    """Return the units of a conformal set, best first; the best unit where it would be empty."""
    inside = ranked[probabilities[ranked] >= floors[ranked]]
    return tuple(codes[place] for place in (inside if len(inside) else ranked[:1]))
