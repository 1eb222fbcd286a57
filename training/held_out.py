"""What held-out answers say of a model: its threshold, and how good it is.

Held-out answers are divided once more. One part fits and chooses: the temperature, and whatever a
version chooses among, and when a ticket belongs to no unit. The other is touched by none of it and
sets threshold and conformal sets, whose promises hold only for answers that chose nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import HOLD_ALL, Floats, fit_temperature, softmax
from classifier.interface import PROBABILITY_DECIMALS
from classifier.manifest import Calibration
from training.conformal import conformal_sets
from training.no_unit import NoUnitRule
from training.promise import CONFIDENCE, find_threshold

Rows = NDArray[np.int64]

FIT_SHARE = 0.3
"""The share of held-out answers that fits and chooses; the others set the threshold."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Answers to n samples that the model did not learn from.

    Parameters:
        logits: (n, classes) float32 or float64.
        labels: (n,) class numbers.
        groups: (n,) group numbers of near-duplicates (``near_duplicates``): a group is never
            divided, and what promises counts it once.
    """

    logits: Floats
    labels: Rows
    groups: Rows

    def __len__(self) -> int:
        """Return n."""
        return len(self.labels)

    def take(self, rows: Rows) -> "HeldOut":
        """Return the answers in these rows."""
        return HeldOut(self.logits[rows], self.labels[rows], self.groups[rows])

    def split(self, share: float = FIT_SHARE, seed: int = 42) -> tuple["HeldOut", "HeldOut"]:
        """Return about ``share`` of the answers, and the others; see ``split_groups``."""
        first, second = split_groups(self.groups, share, seed)
        return self.take(first), self.take(second)

    def representatives(self, seed: int = 42) -> "HeldOut":
        """Return one answer a group; see ``representatives``."""
        return self.take(representatives(self.groups, seed))


def split_groups(groups: Rows, share: float, seed: int) -> tuple[Rows, Rows]:
    """Return two sets of row numbers, ascending, that share no group.

    For whoever has more to divide than ``HeldOut`` holds, such as hidden states: the same groups,
    share and seed divide alike. Labels play no part.

    Args:
        groups: (n,) group numbers.
        share: of the rows that go to the first, 0 to 1; groups are whole, so it is met about.
        seed: of the groups' order.
    """
    drawn, member = np.unique(groups, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(drawn))
    sizes = np.bincount(member, minlength=len(drawn))[order]
    # Half a group over the share is as near to it as half a group under.
    first = np.zeros(len(drawn), dtype=np.bool_)
    first[order] = np.cumsum(sizes) - sizes / 2 <= share * len(groups)
    chosen = first[member]
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def representatives(groups: Rows, seed: int) -> Rows:
    """Return a row number of each group, ascending, drawn without regard to labels.

    Args:
        groups: (n,) group numbers.
        seed: of the draw.
    """
    order = np.random.default_rng(seed).permutation(len(groups))
    _, firsts = np.unique(groups[order], return_index=True)
    return np.sort(order[firsts])


def calibrate(
    held_out: HeldOut,
    error_target: float,
    seed: int = 42,
    *,
    codes: Sequence[str] = (),
    asked: NoUnitRule | None = None,
) -> Calibration:
    """Divide held-out answers and calibrate; see ``calibrate_parts``.

    Args:
        held_out: the answers.
        error_target: share of wrong answers to accept among those routed, 0 to 1.
        seed: of the division and of the draw of one answer a group.
        codes: see ``calibrate_parts``.
        asked: see ``calibrate_parts``.
    """
    parts = held_out.split(seed=seed)
    return calibrate_parts(*parts, error_target, seed, codes=codes, asked=asked)


def calibrate_parts(
    fitting: HeldOut,
    untouched: HeldOut,
    error_target: float,
    seed: int = 42,
    *,
    codes: Sequence[str] = (),
    asked: NoUnitRule | None = None,
) -> Calibration:
    """Set temperature and ``no_unit`` from one part of the held-out answers, the rest from another.

    The rest is the threshold, whose promise is over the answers that pass ``no_unit``, and the
    conformal sets.

    Args:
        fitting: these have fitted and chosen whatever else there was.
        untouched: these have not, and share no group with the others.
        error_target: share of wrong answers to accept among those routed, 0 to 1.
        seed: of the draw of one answer a group.
        codes: of the classes, in their order; without them there are no sets.
        asked: how to ask whether a ticket belongs to a unit; None for never.
    """
    temperature = fit_temperature(fitting.logits, fitting.labels)
    no_unit = asked.find(fitting.representatives(seed).logits, temperature) if asked else None
    judged = untouched.representatives(seed)
    # Rounded as serving rounds: threshold and floors are compared with such probabilities.
    chances = softmax(judged.logits, temperature).round(PROBABILITY_DECIMALS)
    calibration = calibration_of(
        chances.max(axis=1),
        judged.logits.argmax(axis=1) == judged.labels,
        error_target,
        temperature,
        routed=asked.belongs(no_unit, judged.logits, temperature) if asked else None,
    )
    right = np.take_along_axis(chances, judged.labels[:, None], axis=1)[:, 0]
    sets = conformal_sets(right, judged.labels, codes) if codes else ()
    return calibration.model_copy(update={"no_unit": no_unit, "sets": sets})


def calibration_of(
    probability: NDArray[np.float64],
    correct: NDArray[np.bool_],
    error_target: float,
    temperature: float = 1.0,
    routed: NDArray[np.bool_] | None = None,
) -> Calibration:
    """Set the threshold from answers whose probabilities are known; see ``find_threshold``.

    Args:
        probability: (n,), rounded as serving rounds, of answers no two of which are
            near-duplicates and which chose nothing.
        correct: (n,), whether each answer was right.
        error_target: share of wrong answers to accept among those routed, 0 to 1.
        temperature: by which the logits were divided.
        routed: (n,), which answers pass ``no_unit``; by default all.
    """
    found = find_threshold(probability, correct, error_target, routed)
    return Calibration(
        temperature=temperature,
        threshold=found.threshold,
        error_target=error_target,
        coverage=found.coverage,
        error=found.error,
        held_out=len(correct),
        confidence=CONFIDENCE if found.threshold < HOLD_ALL else None,
        error_bound=found.bound,
        needed=found.needed,
    )


def measure(logits: Floats, labels: NDArray[np.int64]) -> dict[str, float | None]:
    """Return accuracy and macro-F1 of held-out answers, None where there are none."""
    from sklearn.metrics import f1_score  # here: a constant model is calibrated without it

    if len(labels) == 0:
        return {"accuracy": None, "macro_f1": None}
    answers = logits.argmax(axis=1)
    macro_f1 = f1_score(labels, answers, average="macro", zero_division=0)
    return {"accuracy": float((answers == labels).mean()), "macro_f1": float(macro_f1)}
