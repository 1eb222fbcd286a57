"""What it costs to answer with a version, and whether a challenger costs too much."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from classifier.interface import Classifier
from training.gate.memory import Peak
from training.gate.verdict import Finding

MOST = 1.2
"""A challenger's latency and memory, as a multiple of the champion's."""
ROUNDS = 5
"""How often latency is measured; a challenger is refused where it is too slow in each of them.

Of two that are equal, or of which one takes ``MOST`` exactly, that happens to one of 32 at most.
The first round in which it is quick enough is the last, for no other could refuse it.
"""

_REPEATS, _MOST_REPEATS = 3, 8  # times that a ticket is answered in a round; the shortest counts
_SPARE_S = 2.0  # no further times in a round after so long
_BLOCK = 10  # lone tickets of one version, before the other has its turn
_TICKETS, _FEWEST = 100, 20
_SECONDS = 15.0  # for the first times of both; slow versions answer fewer tickets
_MILLISECONDS = 1e3
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Costs:
    """What answering with a version takes.

    Parameters:
        p95_s: of each round, seconds within which 95 of 100 lone tickets are answered.
        peak: the most memory that it takes; None where nobody measured it.
        kind: of the version, such as "llm".
    """

    p95_s: tuple[float, ...]
    peak: Peak | None = None
    kind: str = ""


def check_costs(challenger: Costs, champion: Costs) -> tuple[Finding, Finding]:
    """Find whether the challenger's latency and memory are at most ``MOST`` of the champion's.

    Of another kind nothing is refused: whoever has an LLM follow a linear model means it.
    """
    latency, memory = _check_latency(challenger, champion), _check_memory(challenger, champion)
    if challenger.kind == champion.kind:
        return latency, memory
    kinds = f"; it is not held to that, for one is {challenger.kind} and the other {champion.kind}"
    told = (replace(one, passed=True, text=one.text + kinds, cure="") for one in (latency, memory))
    return next(told), next(told)


def measure_latency(
    champion: Classifier,
    challenger: Classifier,
    texts: Sequence[str],
    allowed: frozenset[str],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return of each the 95th percentile (s) of the time for a lone ticket, one a round.

    There are ``ROUNDS`` of them, or fewer: see there.

    The two take turns, so that whatever else the machine does falls on both. Of each ticket the
    shortest time of a round counts: a busy machine makes times longer, never shorter. Quick
    versions answer more often.

    Args:
        champion: the version that answers now.
        challenger: the version that would.
        texts: n tickets, at least one; of slow versions the first ones alone are answered.
        allowed: codes of the units that may be answered.
    """
    versions = [champion, challenger]
    texts = texts[: _affordable(versions, texts[0], allowed)]
    rounds: list[tuple[float, float]] = []
    while len(rounds) < ROUNDS and not any(_is_allowed(mine, other) for other, mine in rounds):
        rounds.append(_round(versions, texts, allowed, begins=len(rounds) % 2))
    first, second = zip(*rounds, strict=True)
    return first, second


def _round(
    versions: Sequence[Classifier], texts: Sequence[str], allowed: frozenset[str], begins: int
) -> tuple[float, float]:
    """Return the 95th percentile of each version; one of the two begins."""
    begun = perf_counter()
    times = np.full((2, len(texts)), np.inf)
    for repeat in range(_MOST_REPEATS):
        if repeat >= _REPEATS and perf_counter() - begun > _SPARE_S:
            break
        turn = _times(versions, texts, allowed, begins=(repeat + begins) % 2)
        times = np.minimum(times, turn)
    first, second = np.quantile(times, 0.95, axis=1).tolist()
    return first, second


def _times(
    versions: Sequence[Classifier], texts: Sequence[str], allowed: frozenset[str], begins: int
) -> NDArray[np.float64]:
    """Return (versions, n) seconds of lone tickets, answered in turns; one of two begins.

    Each block begins with a ticket that is not timed, for versions that share a base change their
    adapters there.
    """
    times = np.empty((len(versions), len(texts)))
    order = list(enumerate(versions))
    if begins:
        order.reverse()
    for start in range(0, len(texts), _BLOCK):
        block = texts[start : start + _BLOCK]
        for which, classifier in order:
            classifier.classify(block[:1], [allowed])
            for row, text in enumerate(block, start):
                times[which, row] = _time(classifier, text, allowed)
        order.reverse()
    return times


def _affordable(versions: Sequence[Classifier], text: str, allowed: frozenset[str]) -> int:
    """Return how many tickets all can answer, in all rounds, in the time there is."""
    for classifier in versions:
        classifier.classify([text], [allowed])  # the first answer loads what is loaded lazily
    each = sum(_time(classifier, text, allowed) for classifier in versions)
    return max(_FEWEST, min(_TICKETS, int(_SECONDS / max(1e-6, each * ROUNDS * _REPEATS))))


def _time(classifier: Classifier, text: str, allowed: frozenset[str]) -> float:
    begun = perf_counter()
    classifier.classify([text], [allowed])
    return perf_counter() - begun


def _check_latency(challenger: Costs, champion: Costs) -> Finding:
    rounds = list(zip(challenger.p95_s, champion.p95_s, strict=True))
    mine, other = (median(times) for times in zip(*rounds, strict=True))
    passed = any(_is_allowed(one, another) for one, another in rounds)
    text = (
        f"the challenger answers 95 of 100 lone tickets within {mine * _MILLISECONDS:.3g} ms, the "
        f"champion within {other * _MILLISECONDS:.3g} ms{_ratio(mine, other)}"
        f"{_spread(rounds)}; {MOST:.0%} is allowed"
    )
    facts: dict[str, JsonValue] = {
        "p95_s": list(challenger.p95_s),
        "champion_p95_s": list(champion.p95_s),
    }
    return Finding("latency", passed, text, "" if passed else _SMALLER, facts)


def _is_allowed(challenger_s: float, champion_s: float) -> bool:
    return challenger_s <= MOST * champion_s


def _spread(rounds: Sequence[tuple[float, float]]) -> str:
    ratios = [mine / other for mine, other in rounds if other]
    if len(ratios) < 2:
        return ""
    return f" (in {len(rounds)} rounds {min(ratios):.0%} to {max(ratios):.0%})"


def _check_memory(challenger: Costs, champion: Costs) -> Finding:
    peaks = challenger.peak or _NOBODY, champion.peak or _NOBODY
    mine, other = peaks[0].size, peaks[1].size
    facts: dict[str, JsonValue] = {"peak_bytes": mine, "champion_peak_bytes": other}
    if mine is None or other is None:
        whose = "challenger" if mine is None else "champion"
        why = next(one.why_not for one in peaks if one.size is None)
        text = f"nothing is refused by it, for the {whose}'s was not measured: {why}"
        return Finding("memory", passed=True, text=text, facts=facts)
    passed = mine <= MOST * other
    text = (
        f"the challenger takes {mine / _MIB:,.0f} MiB at most and the champion "
        f"{other / _MIB:,.0f} MiB{_ratio(mine, other)}; {MOST:.0%} is allowed"
    )
    return Finding("memory", passed, text, "" if passed else _SMALLER, facts)


_NOBODY = Peak(None, "nobody asked for it")
_SMALLER = "if that is meant, such as for a larger base, promote it by hand"


def _ratio(mine: float, other: float) -> str:
    return f" ({mine / other:.0%} of it)" if other else ""
