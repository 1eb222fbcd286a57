"""A version's answers to judged tickets, as arrays: the statistics know nothing else of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.interface import Batch, Classifier, classify_batches
from training.gate.tickets import JudgedTicket

UNANSWERED = ""
"""In the place of an answer without any learned unit: right by chance, it counts as wrong."""

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Answers:
    """A version's answers to n tickets.

    Parameters:
        units: (n,) codes of the answers, ``UNANSWERED`` where nothing allowed was learned.
        probability: (n,) of each answer, as serving tells it.
    """

    units: NDArray[np.str_]
    probability: NDArray[np.float64]

    def __len__(self) -> int:
        """Return n."""
        return len(self.units)


def answer(
    classifier: Classifier, tickets: Sequence[JudgedTicket], allowed: frozenset[str]
) -> Answers:
    """Return the answers to n tickets, asked batch by batch as the worker asks.

    Args:
        classifier: the version.
        tickets: none is fine.
        allowed: codes of the units that may be answered, for every ticket.

    Raises:
        TaxonomyError: ``allowed`` is empty.
    """
    starts = range(0, len(tickets), _BATCH)
    parts = [[one.text for one in tickets[start : start + _BATCH]] for start in starts]
    batches = (Batch(part, [allowed] * len(part), str(at)) for at, part in enumerate(parts))
    # Batches may be done in another order than they came.
    answered = {one.token: found for one, found in classify_batches(classifier, batches, top_k=1)}
    decisions = [decision for at in range(len(parts)) for decision in answered[str(at)]]
    units = [UNANSWERED if one.held_back == "unlearned" else one.unit for one in decisions]
    return Answers(
        np.array(units, dtype=np.str_),
        np.array([one.probability for one in decisions], dtype=np.float64),
    )
