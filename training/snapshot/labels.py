"""Which label holds where near-duplicates have several.

A person's decision beats a file's label, and a decision about one ticket beats the confirmation of
a whole list. Where the strongest labels differ nobody can tell which is right, and no model can
learn both: all of the group is left out, and listed.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from training.snapshot.rows import Row

REPEATED = "the file's row of a decided ticket"
OVERRULED = "label beaten by a person's decision"
CONFLICT = "near-duplicates with different units"


@dataclass(frozen=True, slots=True)
class Settled:
    """Rows whose groups have one unit each.

    Parameters:
        rows: those that are kept, in their order.
        left_out: how many are not, by reason.
        conflicts: of each group that is left out whole, where its rows stand.
    """

    rows: Sequence[Row]
    left_out: Counter[str]
    conflicts: Sequence[Sequence[str]]


def settle(rows: Sequence[Row]) -> Settled:
    """Return the rows whose labels hold.

    Args:
        rows: with their groups of near-duplicates.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        members[row.group].append(number)
    kept: dict[int, Row] = {}
    left_out: Counter[str] = Counter()
    conflicts = []
    for numbers in members.values():
        group = {number: rows[number] for number in numbers}
        unit = _unit_of(list(group.values()))
        if unit is None:
            conflicts.append([str(row) for row in group.values()])
            left_out[CONFLICT] += len(group)
            continue
        agreeing = {number: row for number, row in group.items() if row.unit == unit}
        single = _without_repeats(agreeing)
        left_out[OVERRULED] += len(group) - len(agreeing)
        left_out[REPEATED] += len(agreeing) - len(single)
        kept |= single
    return Settled([kept[number] for number in sorted(kept)], +left_out, conflicts)


def _unit_of(group: Sequence[Row]) -> str | None:
    """Return the unit that the strongest labels name, None where these differ."""
    top = max(row.rank for row in group)
    units = {row.unit for row in group if row.rank == top}
    return units.pop() if len(units) == 1 else None


def _without_repeats(group: dict[int, Row]) -> dict[int, Row]:
    """Leave out the file's rows with the text of a decided ticket; it takes over their thought."""
    decided = {row.digest for row in group.values() if row.origin == "decision"}
    thoughts = {row.digest: row.thought for row in group.values() if row.thought}
    return {
        number: replace(row, thought=row.thought or thoughts.get(row.digest, ""))
        for number, row in group.items()
        if row.origin == "decision" or row.digest not in decided
    }
