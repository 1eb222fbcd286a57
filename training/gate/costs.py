"""What it costs to answer with a version, and whether a challenger costs too much."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from classifier.interface import Classifier
from training.gate.verdict import Finding

MOST = 1.2
"""A challenger's latency and memory, as a multiple of the champion's."""

_ROUNDS = 3
_BLOCK = 20  # lone tickets of one version, before the other has its turn
_MILLISECONDS = 1e3
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Costs:
    """What answering with a version takes.

    Parameters:
        p95_s: seconds within which 95 of 100 lone tickets are answered.
        peak_bytes: the most memory that it takes (``memory.peak_memory``); None where nobody
            measured it.
    """

    p95_s: float
    peak_bytes: int | None = None


def check_costs(challenger: Costs, champion: Costs) -> tuple[Finding, Finding]:
    """Find whether the challenger's latency and memory are at most ``MOST`` of the champion's."""
    return _check_latency(challenger, champion), _check_memory(challenger, champion)


def measure_latency(
    champion: Classifier,
    challenger: Classifier,
    texts: Sequence[str],
    allowed: frozenset[str],
) -> tuple[float, float]:
    """Return the 95th percentiles (s) of the time that each takes for a lone ticket.

    The two take turns, so that whatever else the machine does falls on both. Each block begins with
    a ticket that is not timed, for versions that share a base change their adapters there. Of each
    ticket the median of three times counts.

    Args:
        champion: the version that answers now.
        challenger: the version that would.
        texts: n tickets, at least one.
        allowed: codes of the units that may be answered.
    """
    times = np.empty((2, _ROUNDS, len(texts)))
    order = [(0, champion), (1, challenger)]
    for turn in range(_ROUNDS):
        for start in range(0, len(texts), _BLOCK):
            block = texts[start : start + _BLOCK]
            for which, classifier in order:
                classifier.classify(block[:1], [allowed])
                for row, text in enumerate(block, start):
                    begun = perf_counter()
                    classifier.classify([text], [allowed])
                    times[which, turn, row] = perf_counter() - begun
            order.reverse()
    first, second = np.quantile(np.median(times, axis=1), 0.95, axis=1).tolist()
    return first, second


def _check_latency(challenger: Costs, champion: Costs) -> Finding:
    mine, other = challenger.p95_s * _MILLISECONDS, champion.p95_s * _MILLISECONDS
    passed = mine <= MOST * other
    text = (
        f"the challenger answers 95 of 100 lone tickets within {mine:.3g} ms, the champion within "
        f"{other:.3g} ms{_ratio(mine, other)}; {MOST:.0%} is allowed"
    )
    facts = {"p95_s": challenger.p95_s, "champion_p95_s": champion.p95_s}
    return Finding("latency", passed, text, "" if passed else _SMALLER, facts)


def _check_memory(challenger: Costs, champion: Costs) -> Finding:
    mine, other = challenger.peak_bytes, champion.peak_bytes
    facts = {"peak_bytes": mine, "champion_peak_bytes": other}
    if mine is None or other is None:
        return Finding("memory", passed=True, text="nobody measured it", facts=facts)
    passed = mine <= MOST * other
    text = (
        f"the challenger takes {mine / _MIB:,.0f} MiB at most and the champion "
        f"{other / _MIB:,.0f} MiB{_ratio(mine, other)}; {MOST:.0%} is allowed"
    )
    return Finding("memory", passed, text, "" if passed else _SMALLER, facts)


_SMALLER = "if that is meant, such as for a larger base, promote it by hand"


def _ratio(mine: float, other: float) -> str:
    return f" ({mine / other:.0%} of it)" if other else ""
