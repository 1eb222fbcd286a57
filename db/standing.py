"""What stands now for the units that a model answered with: only active units reach the record.

A model knows the units it learned. Since then, or while it worked on a batch, one may have been
merged, split or retired. What it answers with a unit that was merged is an answer with the
successor. What it would give to a unit that was split or retired, a person decides.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import taxonomy
from db.models import Unit
from db.provenance import Asked
from db.results import Result
from db.returned import refused_units

_DECIMALS = 6


def stand_now(session: Session, results: Sequence[Result]) -> list[Result]:
    """Return answers with active units alone.

    Of a unit that was split, the parts are named, each with an even share of its probability, and
    the likeliest is the answer; of one that was retired, the next best unit. Both are held back as
    ``gone``. Units that returned a ticket are no parts for it.

    Args:
        session: the transaction in which they will be stored.
        results: answers of one batch.
    """
    query = select(Unit.code).where(Unit.status != "active")
    gone = set(session.scalars(query)) & {code for one in results for code in _codes(one)}
    if not gone:
        return list(results)
    index = taxonomy.read_index(session)
    now = {code: [unit.code for unit in index.stands_now(code)] for code in gone}
    active = sorted(unit.code for unit in index.units.values() if unit.status == "active")
    refused = refused_units(session, [one.ticket_id for one in results if one.round > 0])
    return [
        _stand(one, now, active, refused.get(one.ticket_id, set()))
        if active and not gone.isdisjoint(_codes(one))
        else one
        for one in results
    ]


def _codes(result: Result) -> set[str]:
    in_sets = (code for _, codes in result.sets for code in codes)
    return {result.unit, *(code for code, _ in result.top_k), *in_sets}


def _stand(
    result: Result,
    now: Mapping[str, Sequence[str]],
    active: Sequence[str],
    refused: Collection[str],
) -> Result:
    """Return one answer with active units.

    Args:
        result: the answer.
        now: code of a unit that is gone -> the active ones that stand for it.
        active: all active units.
        refused: units that returned the ticket.
    """

    def parts(code: str) -> list[str]:
        return [part for part in now.get(code, [code]) if part not in refused]

    shares: dict[str, float] = defaultdict(float)
    for code, probability in result.top_k:
        for part in (found := parts(code)):
            shares[part] += probability / len(found)
    ranked = sorted(shares, key=lambda code: (-shares[code], code))
    candidates = parts(result.unit)
    open_units = [code for code in active if code not in refused] or active
    unit = next((code for code in ranked if code in candidates), (ranked or open_units)[0])
    is_clear = len(candidates) == len(now.get(result.unit, [result.unit])) == 1
    top_k = [(code, round(shares[code], _DECIMALS)) for code in (unit, *ranked)]
    return replace(
        result,
        unit=unit,
        probability=top_k[0][1],
        top_k=list(dict(top_k).items()),
        held_back=result.held_back if is_clear else Asked.GONE.value,
        sets=[
            (level, list(dict.fromkeys(part for code in codes for part in parts(code))) or [unit])
            for level, codes in result.sets
        ],
    )
