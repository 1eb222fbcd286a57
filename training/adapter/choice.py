"""Chooses whether a version answers by its head or by the units' names."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import fit_temperature, softmax
from classifier.setup import AnswerBy
from core.errors import InputError
from training.adapter.recipe import AnswerLosses
from training.evaluation import expected_calibration_error
from training.held_out import HeldOut, measure
from training.paired import paired_interval

_LEAST = 1e-12  # a probability of 0 would make one ticket decide


@dataclass(frozen=True, slots=True)
class Choice:
    """By what a version answers, and why.

    Parameters:
        by: the head or the names.
        why: a line for people.
        temperatures: of each way that was learned.
    """

    by: AnswerBy
    why: str
    temperatures: Mapping[AnswerBy, float]


def check_wanted(losses: AnswerLosses, wanted: AnswerBy | None) -> None:
    """Refuse a way to answer that the recipe does not learn.

    Raises:
        InputError: it does not.
    """
    if wanted is not None and not getattr(losses, wanted):
        raise InputError(
            f"answering by {wanted} is asked for, and the recipe leaves it out "
            f"(answer.{wanted} = 0): give it a weight, or answer by the other"
        )


def choose(answers: Mapping[AnswerBy, HeldOut], wanted: AnswerBy | None = None) -> Choice:
    """Return by what to answer: by the head, unless names are better beyond the interval.

    Better is a lower negative log-likelihood of the right units, each way after its own
    temperature. The head needs no label tokens, so it need not be better to be chosen.

    Args:
        answers: to the same held-out tickets, by each way that was learned; they choose and fit.
        wanted: asked for, whatever is better.
    """
    temperatures = {by: fit_temperature(one.logits, one.labels) for by, one in answers.items()}
    if len(answers) == 1:
        [only] = answers
        return Choice(only, f"answers by the {only}: nothing else was learned", temperatures)
    losses = {by: nll(one, temperatures[by]) for by, one in answers.items()}
    told, by = _compare(losses, answers["head"].groups)
    if wanted is not None:
        return Choice(wanted, f"answers by the {wanted}, as asked for ({told})", temperatures)
    return Choice(by, f"answers by the {by}: {told}", temperatures)


def nll(answers: HeldOut, temperature: float) -> NDArray[np.float64]:
    """Return (n,) the negative log-likelihood of each right unit."""
    right = softmax(answers.logits, temperature)[np.arange(len(answers)), answers.labels]
    return -np.log(np.maximum(right, _LEAST))


def measures(answers: HeldOut, temperature: float) -> dict[str, float | None]:
    """Return accuracy, macro-F1, negative log-likelihood and calibration error of answers."""
    found = measure(answers.logits, answers.labels)
    if len(answers) == 0:
        return found | {"nll": None, "calibration_error": None}
    top = softmax(answers.logits, temperature).max(axis=1)
    right = answers.logits.argmax(axis=1) == answers.labels
    return found | {
        "nll": float(nll(answers, temperature).mean()),
        "calibration_error": expected_calibration_error(top, right),
    }


def _compare(
    losses: Mapping[AnswerBy, NDArray[np.float64]], groups: NDArray[np.int64]
) -> tuple[str, AnswerBy]:
    """Return what was compared, for people, and what is to answer."""
    if len(groups) == 0:
        return "no held-out ticket compares it with the names", "head"
    low, high = paired_interval(losses["head"] - losses["names"], groups)
    told = (
        f"on {len(groups):,} held-out tickets the head's NLL is {losses['head'].mean():.3f} and "
        f"the names' {losses['names'].mean():.3f} (difference {low:+.3f} to {high:+.3f}, 95 %)"
    )
    return told, "names" if low > 0 else "head"
