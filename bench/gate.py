"""What the gate lets pass and what it refuses, through the product's code, on simulated pairs.

    python -m bench.gate [--pairs 1000]

A pair is a champion and a challenger that answer a frozen set of 1,000 tickets and a recent stream
(``bench.gate_pairs``). Two tables, then one line of JSON:

- equal: both are equally good, and a promotion is a mistake. "unweighted" is what an exact McNemar
  test of all decided tickets would say, most of which people saw since the champion doubted them;
  "normal" what the normal interval of their weighted mean would.
- other: challengers that are better by what the gate itself said that its tickets can prove, and
  challengers that are spoilt; and which checks refused these.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import median
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest, norm

from bench.gate_pairs import UNITS, Answered, Stream, draw_decided, draw_pair
from training.gate.answers import Answers
from training.gate.costs import Costs
from training.gate.disagreements import draw
from training.gate.judging import Contestant, Evidence, weigh
from training.gate.looks import LEVEL
from training.gate.recent import CHECK
from training.gate.tickets import JudgedTicket
from training.gate.verdict import Verdict

FROZEN = 1_000
BLIND_POOL = 5_000
"""Recent tickets, routed or not, of which disagreements are drawn."""
OTHERS = 300
"""Pairs of each case of the second table at most."""
FLIPS = 0.2
P95_S = 0.02


@dataclass(frozen=True, slots=True)
class Case:
    """Pairs of one kind.

    Parameters:
        name: for people.
        decisions: that people make of held-back tickets; 0: they answer 150 disagreements blind.
        stream: the tickets.
        gain: the challenger's accuracy less the champion's.
        spoilt: "flips", "A to B", "slower", or nothing.
        then_blind: where the decisions alone do not show that it is better, people answer 150
            disagreements, too, and a second look decides, as a run that judges anew does.
    """

    name: str
    decisions: int
    stream: Stream = field(default_factory=Stream)
    gain: float = 0.0
    spoilt: str = ""
    then_blind: bool = False


class Naive(NamedTuple):
    """Whether the challenger is called better by all decided tickets, tested naively."""

    unweighted: bool
    normal: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case's pairs.

    Parameters:
        case: its name.
        pairs: how many.
        gain: in points.
        promoted: share of pairs.
        better: share that passed the check of the recent stream, whatever the others said.
        unweighted: share in which all decided tickets, unweighted, call the challenger better.
        normal: share in which the normal interval of their weighted mean does.
        provable: the median gain (points) that the gate said its tickets can prove; None where it
            mostly said that they prove nothing.
        refused_by: check -> share of pairs.
    """

    case: str
    pairs: int
    gain: float
    promoted: float
    better: float
    unweighted: float
    normal: float
    provable: float | None
    refused_by: dict[str, float]


def main() -> None:
    """Measure all cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pairs", type=int, default=1_000, help="of each case of the first table")
    options = parser.parse_args()
    equal = [measure(case, options.pairs) for case in equal_cases()]
    print_table("equal", equal)
    fewer = min(options.pairs, OTHERS)
    other = [measure(case, fewer) for case in (*better_cases(equal), *spoilt_cases())]
    print_table("other", other)
    print(json.dumps({"cases": [asdict(one) for one in (*equal, *other)]}))


def equal_cases() -> list[Case]:
    """Return pairs of equal versions."""
    often = Stream(sample=0.2)
    return [
        *(Case(f"{n:,} decisions, 5% sample", n) for n in (100, 500, 2_000)),
        Case("2,000 decisions, 20% sample", 2_000, often),
        Case("2,000 decisions, 20%, a third done", 2_000, replace(often, done=1 / 3)),
        Case("2,000 decisions, no sample", 2_000, Stream(sample=0.0)),
        Case("150 answered blind", 0),
        Case("500 decisions, 5% sample, then 150 blind", 500, then_blind=True),
    ]


def better_cases(equal: Sequence[Outcome]) -> list[Case]:
    """Return pairs as the equal ones, where the challenger gains what these could have proved."""
    pairs = zip(equal_cases(), equal, strict=True)
    return [
        replace(case, name=f"better: {case.name}", gain=outcome.provable / 100)
        for case, outcome in pairs
        if outcome.provable is not None
    ]


def spoilt_cases() -> list[Case]:
    """Return challengers that gain three points, were they not spoilt."""
    return [
        Case(spoilt, 2_000, gain=0.03, spoilt=spoilt) for spoilt in ("flips", "A to B", "slower")
    ]


def measure(case: Case, pairs: int) -> Outcome:
    """Return what becomes of so many pairs."""
    random = np.random.default_rng(0)
    judged = [judge_pair(random, case) for _ in range(pairs)]
    verdicts = [verdict for verdict, _ in judged]
    refused = Counter(finding.check for verdict in verdicts for finding in verdict.refusals)
    provable = [gain for verdict in verdicts if (gain := provable_gain(verdict)) is not None]
    return Outcome(
        case.name,
        pairs,
        gain=100 * case.gain,
        promoted=sum(verdict.promoted for verdict in verdicts) / pairs,
        better=1 - refused[CHECK] / pairs,
        unweighted=sum(naive.unweighted for _, naive in judged) / pairs,
        normal=sum(naive.normal for _, naive in judged) / pairs,
        provable=100 * median(provable) if len(provable) > pairs / 2 else None,
        refused_by={check: count / pairs for check, count in refused.most_common()},
    )


def provable_gain(verdict: Verdict) -> float | None:
    """Return the gain that the recent tickets could prove; None where they prove nothing."""
    found = next(finding for finding in verdict.findings if finding.check == CHECK)
    gain = found.facts.get("provable_gain")
    return gain if isinstance(gain, float) else None


def judge_pair(random: np.random.Generator, case: Case) -> tuple[Verdict, Naive]:
    """Return the gate's verdict on a new pair, and what naive tests say of its recent tickets."""
    frozen = _draw(random, case, FROZEN)
    if not case.decisions:
        return _judge_blind(random, case, frozen, look=1)
    stream = _draw(random, case, round(case.decisions / case.stream.decided))
    recent, judged = draw_decided(random, case.stream, stream)
    unseen = len(stream.right) - len(judged)
    verdict = _weigh(case, frozen, recent, Evidence(_tickets(frozen), judged, unseen), look=1)
    if case.then_blind and [one.check for one in verdict.refusals] == [CHECK]:
        verdict, _ = _judge_blind(random, case, frozen, look=2)
    return verdict, _naive(recent, judged)


def _judge_blind(
    random: np.random.Generator, case: Case, frozen: Answered, look: int
) -> tuple[Verdict, Naive]:
    pool = _draw(random, case, BLIND_POOL)
    drawn = draw(np.arange(BLIND_POOL), pool.challenger, pool.champion, seed=0)
    recent = pool.take(drawn.rows)
    judged = recent.judged(["disagreement"] * len(drawn.rows), [1.0] * len(drawn.rows))
    evidence = Evidence(_tickets(frozen), [], 0, judged, drawn.share)
    return _weigh(case, frozen, recent, evidence, look), _naive(recent, judged)


def _tickets(frozen: Answered) -> list[JudgedTicket]:
    return frozen.judged(["file"] * FROZEN, [1.0] * FROZEN)


def _weigh(
    case: Case, frozen: Answered, recent: Answered, evidence: Evidence, look: int
) -> Verdict:
    slower = Costs((P95_S * (1.5 if case.spoilt == "slower" else 1.0),))
    return weigh(
        evidence,
        Contestant("v1", frozen.champion, recent.champion, recent.champion, Costs((P95_S,))),
        Contestant("v2", frozen.challenger, recent.challenger, recent.challenger, slower),
        look=look,
    )


def _draw(random: np.random.Generator, case: Case, n: int) -> Answered:
    """Return n new tickets of a case; the challenger's answers are spoilt where it says so."""
    found = draw_pair(random, case.stream, n, case.gain)
    units = found.challenger.units
    if case.spoilt == "flips":
        units = np.where(random.random(n) < FLIPS, random.choice(UNITS, n), units)
    if case.spoilt == "A to B":
        units = np.where(units == UNITS[5], UNITS[6], units)
    return replace(found, challenger=Answers(units, found.challenger.probability))


def _naive(recent: Answered, judged: Sequence[JudgedTicket]) -> Naive:
    mine = recent.challenger.units == recent.right
    other = recent.champion.units == recent.right
    gained, decisive = int(np.sum(mine & ~other)), int(np.sum(mine != other))
    p = binomtest(gained, decisive, alternative="greater").pvalue if decisive else 1.0
    gains = mine.astype(np.float64) - other
    gains /= np.array([one.inclusion or 1.0 for one in judged])
    error = float(np.sqrt((gains**2).sum()))
    return Naive(bool(p <= LEVEL), float(gains.sum()) > float(norm.ppf(1 - LEVEL)) * error)


def print_table(title: str, rows: Sequence[Outcome]) -> None:
    """Print a row for each case."""
    columns = ("gain", "promoted", "better", "unweighted", "normal", "provable")
    print(f"\n{title:<44}" + "".join(f"{name:>12}" for name in columns) + "  refused by")
    for one in rows:
        points = f"{one.gain:+.1f}"
        shares = (one.promoted, one.better, one.unweighted, one.normal)
        refused = ", ".join(f"{check} {share:.0%}" for check, share in one.refused_by.items())
        cells = [points, *(f"{share:.1%}" for share in shares)]
        cells.append("-" if one.provable is None else f"{one.provable:+.1f}")
        print(f"{one.case:<44}" + "".join(f"{cell:>12}" for cell in cells) + f"  {refused}")


if __name__ == "__main__":
    main()
