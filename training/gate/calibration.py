"""Whether a challenger's probabilities are as honest as the champion's."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from training.evaluation import expected_calibration_error
from training.gate.answers import Answers
from training.gate.tickets import JudgedTicket, group_numbers, right_units
from training.gate.verdict import Finding
from training.paired import paired_interval

NEGLIGIBLE = 0.002
"""Nats: where all is answered right, a thousandth less of probability shows beyond chance."""

_SUREST = 1e-4  # a probability of 1 that is wrong would cost infinitely much


def check_calibration(
    tickets: Sequence[JudgedTicket], challenger: Answers, champion: Answers
) -> Finding:
    """Find whether the challenger's probabilities are worse beyond chance, by what is worth a word.

    Of each answer's probability, as a forecast of its being right, the negative log-likelihood is
    taken: it is a proper score, and a mean over tickets, which the calibration error is not. The
    calibration errors are told beside it.

    Args:
        tickets: n frozen ones, at least one.
        challenger: its answers to them.
        champion: the champion's.
    """
    right = right_units(tickets)
    mine, other = challenger.units == right, champion.units == right
    ours, theirs = nll(challenger.probability, mine), nll(champion.probability, other)
    low, high = paired_interval(ours - theirs, group_numbers(tickets))
    errors = [
        expected_calibration_error(probability, correct)
        for probability, correct in ((challenger.probability, mine), (champion.probability, other))
    ]
    text = (
        f"the NLL of its probabilities is {ours.mean():.3f} and the champion's "
        f"{theirs.mean():.3f} (difference {low:+.3f} to {high:+.3f}, 95 %); their calibration "
        f"errors are {errors[0]:.1%} and {errors[1]:.1%}"
    )
    worse = low > NEGLIGIBLE
    facts: dict[str, JsonValue] = {
        "nll": float(ours.mean()),
        "champion_nll": float(theirs.mean()),
        "difference": [low, high],
        "calibration_error": errors[0],
        "champion_calibration_error": errors[1],
    }
    cure = "recalibrate it on more held-out tickets" if worse else ""
    return Finding("calibration", passed=not worse, text=text, cure=cure, facts=facts)


def nll(probability: NDArray[np.float64], correct: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return (n,) negative log-likelihoods of being right or wrong, as forecast."""
    forecast = np.clip(probability, _SUREST, 1 - _SUREST)
    losses: NDArray[np.float64] = -np.log(np.where(correct, forecast, 1 - forecast))
    return losses
