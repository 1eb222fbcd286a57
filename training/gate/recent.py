"""Whether a challenger is better on the recent stream, by decided tickets of the held-back share.

People see every ticket that the champion doubted, and few of the others. On doubted tickets the
champion is at its worst, so any other version looks better there: these alone never decide. Each
ticket therefore stands for as many of the stream as its inclusion probability says (Horvitz &
Thompson, JASA 47, 1952).
"""

from collections.abc import Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from training.gate.answers import Answers
from training.gate.looks import level_of
from training.gate.tickets import BY_CHANCE, JudgedTicket, group_numbers, right_units
from training.gate.verdict import Finding
from training.gate.weighted import Weighted

CHECK = "recent"
LEAST_BY_CHANCE = 20
"""Tickets that chance drew; fewer do not stand for the stream that nobody saw."""

_ASK = (
    "let people answer some 150 tickets, drawn at random from those that the two answer "
    "differently, without a suggestion ('paidan runs judge RUN --draw')"
)


def check_better(
    tickets: Sequence[JudgedTicket],
    challenger: Answers,
    champion: Answers,
    look: int,
    unseen: int,
) -> Finding:
    """Find whether the challenger is better on the stream that the tickets stand for.

    Args:
        tickets: n decided ones of the share that neither has learned; those whose inclusion
            probability nobody knows are left out.
        challenger: its answers to them.
        champion: the champion's.
        look: the number of this comparison with the champion.
        unseen: how many tickets of the same share and time the champion was sure of and chance had
            nobody decide (of the whole stream's, the share). Those that chance drew stand for these
            too, since people may have decided all doubted ones and few of them.
    """
    rows = np.array([row for row, one in enumerate(tickets) if one.inclusion], dtype=np.int64)
    known = [tickets[row] for row in rows.tolist()]
    chance = np.array([_is_by_chance(one) for one in known], dtype=np.bool_)
    if not known or (unseen > 0 and chance.sum() < LEAST_BY_CHANCE):
        return _refuse(len(tickets), len(known), int(chance.sum()))
    right = right_units(known)
    gained = (challenger.units[rows] == right).astype(np.float64)
    gained -= champion.units[rows] == right
    weights = _weights(known, chance, unseen)
    _, groups = np.unique(group_numbers(known), return_inverse=True)
    gains = np.bincount(groups, weights=gained * weights).astype(np.float64)
    found = Weighted(gains, total=float(weights.sum()), largest=float(weights.max()))
    return _tell(found, look, len(known), int(chance.sum()))


def _is_by_chance(ticket: JudgedTicket) -> bool:
    return ticket.asked == BY_CHANCE or (ticket.inclusion or 1) < 1


def _weights(
    tickets: Sequence[JudgedTicket], chance: NDArray[np.bool_], unseen: int
) -> NDArray[np.float64]:
    """Return (n,) how many tickets of the stream each stands for."""
    weights = 1 / np.array([one.inclusion for one in tickets], dtype=np.float64)
    if chance.any():
        weights[chance] *= (unseen + chance.sum()) / weights[chance].sum()
    return weights


def _refuse(tickets: int, known: int, by_chance: int) -> Finding:
    """Return the refusal where the tickets cannot stand for the stream."""
    text = (
        f"of {known:,} recent tickets with a known inclusion probability chance drew {by_chance:,} "
        f"and {LEAST_BY_CHANCE} are needed: people saw the others since the champion doubted them, "
        "and on these any other version looks better"
    )
    cure = f"set PAIDAN_REVIEW_SAMPLE, so that chance draws more of them, or {_ASK}"
    if not known:
        text = f"none of {tickets:,} decided recent tickets has a known inclusion probability"
        text = text if tickets else "nobody has decided a ticket of the held-back share"
        cure = f"let people decide tickets of the held-back share, or {_ASK}"
    facts: dict[str, JsonValue] = {"tickets": known, "by_chance": by_chance}
    return Finding(CHECK, passed=False, text=text, cure=cure, facts=facts)


def _tell(found: Weighted, look: int, tickets: int, by_chance: int) -> Finding:
    level = level_of(look)
    bound, proves = found.lower_bound(level), found.provable(level)
    text = (
        f"on {tickets:,} recent tickets, {by_chance:,} of them drawn by chance, which stand for "
        f"{found.total:,.0f}, the challenger gains {100 * found.gain:+.1f} points, and with "
        f"{1 - level:.1%} confidence (look {look}) over {100 * bound:+.1f}; a gain of "
        f"{100 * proves:.1f} points would be found in nine of ten cases"
    )
    cure = ""
    if found.gain > 0 and bound <= 0:
        needed = ceil(tickets * ((found.gain - bound) / found.gain) ** 2)
        cure = f"if the gain is real, some {needed:,} such tickets would prove it; or {_ASK}"
    facts: dict[str, JsonValue] = {
        "tickets": tickets,
        "by_chance": by_chance,
        "stand_for": found.total,
        "gain": found.gain,
        "lower_bound": bound,
        "level": level,
        "provable_gain": proves,
    }
    return Finding(CHECK, passed=bound > 0, text=text, cure=cure, facts=facts)
