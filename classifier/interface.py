"""What every classifier promises: one decision a ticket, always one of its allowed units."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, cast

from classifier.manifest import Calibration
from core.errors import TaxonomyError

HeldBack = Literal["doubtful", "unlearned", "no_unit"]

PROBABILITY_DECIMALS = 6
"""Probabilities are rounded so; what is equal then is a tie, and the lower unit code wins."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A classifier's answer for one ticket.

    Parameters:
        unit: code of the answer, always one of the allowed units.
        probability: the answer's, calibrated and normalised over the allowed units.
        top_k: (code, probability), best first; begins with the answer.
        held_back: None where the answer may be acted on; "doubtful" under the version's
            threshold; "no_unit" where the ticket seems to belong to none of the learned units;
            "unlearned" where the answer was in no training data.
        version: name of the model version that answered.
        sets: (level, codes best first): the allowed units among which the right one is, in a share
            ``level`` of tickets like the held-out ones.
    """

    unit: str
    probability: float
    top_k: tuple[tuple[str, float], ...]
    held_back: HeldBack | None
    version: str
    sets: tuple[tuple[float, tuple[str, ...]], ...] = ()


class Classifier(Protocol):
    """A loaded model version. It is not thread-safe: one a process.

    Parameters:
        version: the version's name.
        kind: how it works: "linear", "constant", ….
        units: codes of the units it can answer, after its mapping.
        token_budget: tokens (``core.text.estimate_tokens``) it takes in one batch.
        calibration: by which it decides.
    """

    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def units(self) -> frozenset[str]: ...  # noqa: D102
    @property
    def token_budget(self) -> int: ...  # noqa: D102
    @property
    def calibration(self) -> Calibration: ...  # noqa: D102

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        """Answer each text (as ``core.text.model_text`` made it) with one of its allowed units.

        Args:
            texts: n texts; none is fine.
            allowed: n sets of unit codes. Passing the same object n times is the fast case.
            top_k: how many units to name at most, from 1.

        Raises:
            TaxonomyError: a text has no allowed unit.
            ValueError: the lengths differ, or ``top_k`` is under 1.
        """
        ...

    def recalibrate(self, calibration: Calibration | None) -> None:
        """Decide by another calibration from now on; no weight is read.

        Args:
            calibration: the other; None for the version's own, which its manifest has.

        Raises:
            ModelVersionError: it asks for what this Paidan does not have.
        """
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Tickets that come together and are answered together.

    Parameters:
        texts: see ``Classifier.classify``.
        allowed: see ``Classifier.classify``.
        token: the caller's name for the batch.
        live: for which texts somebody waits; they overtake the others. None by default.
    """

    texts: Sequence[str]
    allowed: Sequence[frozenset[str]]
    token: str = ""
    live: Sequence[bool] | None = None

    def is_live(self, row: int) -> bool:
        """Whether somebody waits for a text."""
        return self.live is not None and self.live[row]


class ContinuousClassifier(Classifier, Protocol):
    """A classifier that works on the next batches before the one at hand is done."""

    def classify_batches(
        self, batches: Iterable[Batch], top_k: int = 5
    ) -> Iterator[tuple[Batch, list[Decision]]]:
        """Answer batches as they come; the next one is asked for when there is room for it.

        A batch is yielded when all its tickets are answered, which is not always the order in
        which batches came. After an error the batches that were admitted are not answered.

        Args:
            batches: any number of them.
            top_k: how many units to name at most, from 1.

        Raises:
            TaxonomyError: a text has no allowed unit.
            ValueError: the lengths of a batch differ, or ``top_k`` is under 1.
        """
        ...


def classify_batches(
    classifier: Classifier, batches: Iterable[Batch], top_k: int
) -> Generator[tuple[Batch, list[Decision]]]:
    """Answer batches with any classifier: one by one, unless it is a ``ContinuousClassifier``."""
    # By its name: from Python 3.12 on isinstance sees no attribute that __getattr__ passes on.
    if hasattr(classifier, "classify_batches"):
        yield from cast("ContinuousClassifier", classifier).classify_batches(batches, top_k)
    else:
        for batch in batches:
            yield batch, classifier.classify(batch.texts, batch.allowed, top_k)


def rows_by_allowed(
    texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int
) -> dict[frozenset[str], list[int]]:
    """Check a request and return the row numbers of each distinct set of allowed units.

    Raises:
        TaxonomyError: a text has no allowed unit.
        ValueError: the lengths differ, or ``top_k`` is under 1.
    """
    if len(texts) != len(allowed):
        raise ValueError(f"{len(texts)} texts but {len(allowed)} sets of allowed units")
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, not {top_k}")
    rows: dict[frozenset[str], list[int]] = {}
    for row, units in enumerate(allowed):
        rows.setdefault(units, []).append(row)
    if frozenset() in rows:
        raise TaxonomyError(
            f"text {rows[frozenset()][0]} has no allowed unit: activate a handling unit, or "
            "dispatch this ticket by hand if every unit has refused it"
        )
    return rows


def unlearned(allowed: frozenset[str], top_k: int, version: str) -> Decision:
    """Return the decision where nothing learned is allowed: all units alike, held back."""
    probability = round(1 / len(allowed), PROBABILITY_DECIMALS)
    top = tuple((code, probability) for code in sorted(allowed)[:top_k])
    return Decision(top[0][0], probability, top, "unlearned", version)
