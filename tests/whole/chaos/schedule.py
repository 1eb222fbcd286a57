"""Which fault comes when: from the seed alone."""

import random
from dataclasses import dataclass

from tests.whole.chaos.faults import KINDS, Kind

# A minute: faults of all kinds; an outage of Redis that no kill follows, since a worker that falls
# silent by it would be cured by one; a calm, in which everything must go on.
_ROUND_S, _OUTAGE_AT_S = 60.0, 30.0
_OUTAGES = ("restart_redis", "kill_redis")
_OUTAGE_LASTS_S = (4.0, 7.5)
_FIRST_S, _MARGIN_S = 0.5, 0.5
# Between the beginnings of two faults, in the mean.
_GAP_S, _QUICK_GAP_S = 1.7, 0.5
_QUICK_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a schedule: from ``at`` on, ``lasts`` seconds."""

    number: int
    at: float
    kind: str
    lasts: float

    def __str__(self) -> str:
        return f"{self.at:6.1f} s  {self.kind} for {self.lasts:.1f} s"


def make_schedule(seed: int, database: str, seconds: float, *, quick: bool) -> list[Fault]:
    """Draw faults until ``seconds``; each kind comes once before one comes twice.

    Two faults overlap unless they hit the same target.
    """
    rng = random.Random(f"{seed}:{database}:schedule")
    faults: list[tuple[float, str, float]] = []
    busy_until: dict[str, float] = {}
    deck: list[Kind] = []
    at = _FIRST_S
    while at < seconds:
        if not deck:
            deck = [kind for kind in KINDS.values() if database in kind.databases]
            rng.shuffle(deck)
        free = [kind for kind in deck if busy_until.get(kind.target, 0.0) <= at]
        if not free:
            at = min(busy_until.get(kind.target, 0.0) for kind in deck)
            continue
        kind = free[-1]
        deck.remove(kind)
        low, high = kind.lasts
        lasts = rng.uniform(low, high) * (_QUICK_SHARE if quick else 1.0)
        at, lasts = _before_outage(at, lasts, seconds)
        if at + lasts >= seconds:
            break
        faults.append((at, kind.name, lasts))
        busy_until[kind.target] = at + lasts + 0.5
        at += rng.expovariate(1 / (_QUICK_GAP_S if quick else _GAP_S))
    for number in range(int(seconds // _ROUND_S)):
        outage = (rng.choice(_OUTAGES), rng.uniform(*_OUTAGE_LASTS_S))
        faults.append((number * _ROUND_S + _OUTAGE_AT_S, *outage))
    return [
        Fault(number, round(at, 2), kind_name, round(lasts, 2))
        for number, (at, kind_name, lasts) in enumerate(sorted(faults))
    ]


def _before_outage(at: float, lasts: float, seconds: float) -> tuple[float, float]:
    """End a fault before a minute's outage, or move it to the next minute, if there are minutes."""
    if seconds < _ROUND_S:
        return at, lasts
    begun = at // _ROUND_S * _ROUND_S
    room = begun + _OUTAGE_AT_S - at - _MARGIN_S
    return (at, min(lasts, room)) if room > 0 else (begun + _ROUND_S, lasts)
