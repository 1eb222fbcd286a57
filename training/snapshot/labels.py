"""Which label holds where near-duplicates have several.

A person's decision beats a file's label, and a decision about one ticket beats the confirmation of
a whole list. Where the strongest labels differ, nine of ten that agree outvote the others, as in a
form that came a hundred times. Else nobody can tell which is right, and no model can learn both:
all of the group is left out. Either way it is listed. What judges is labelled alike, but by no
confirmation of a whole list.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from training.snapshot.rows import BULK_RANK, Row

REPEATED = "the file's row of a decided ticket"
OVERRULED = "label beaten by a person's decision"
OUTVOTED = "label beaten by nine of ten near-duplicates"
CONFLICT = "near-duplicates with different units"

AGREED = 0.9
"""Of the strongest labels of a group: if so many agree, theirs holds."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Rows whose groups have one unit each.

    Parameters:
        rows: those that are kept, in their order.
        left_out: how many are not, by reason.
        conflicts: of each group whose strongest labels differ, where those rows stand that are left
            out, and of the others the first.
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
        unit, outvoted = _weighed(list(group.values()))
        agreeing = {number: row for number, row in group.items() if row.unit == unit}
        if outvoted:
            conflicts.append(_listed(outvoted, list(agreeing.values())))
        if unit is None:
            left_out[CONFLICT] += len(group)
            continue
        single = _without_repeats(agreeing)
        left_out[OUTVOTED] += len(outvoted)
        left_out[OVERRULED] += len(group) - len(agreeing) - len(outvoted)
        left_out[REPEATED] += len(agreeing) - len(single)
        kept |= single
    return Settled([kept[number] for number in sorted(kept)], +left_out, conflicts)


def settle_judged(judged: Sequence[Row], others: Sequence[Row]) -> Settled:
    """Return the rows that judge, each with the label that holds in its group.

    Args:
        judged: what is in the frozen test set already, with its groups.
        others: all that is labelled now in these groups, the same tickets among it.
    """
    now = {row.digest for row in others}
    labels: dict[int, list[Row]] = defaultdict(list)
    for row in (*others, *(row for row in judged if row.digest not in now)):
        if row.rank != BULK_RANK:
            labels[row.group].append(row)
    units: dict[int, str | None] = {}
    conflicts = []
    for number, rows in labels.items():
        units[number], outvoted = _weighed(rows)
        if outvoted:
            rank = outvoted[0].rank
            agreeing = [row for row in rows if (row.unit, row.rank) == (units[number], rank)]
            conflicts.append(_listed(outvoted, agreeing))
    kept = [replace(row, unit=unit) for row in judged if (unit := units[row.group]) is not None]
    gone = sum(units[row.group] is None for row in others)
    return Settled(kept, +Counter({CONFLICT: gone}), conflicts)


def _weighed(rows: Sequence[Row]) -> tuple[str | None, list[Row]]:
    """Return the unit on which the strongest labels agree, if they do, and those of another one."""
    top = max(row.rank for row in rows)
    strongest = [row for row in rows if row.rank == top]
    unit = _agreed_unit(strongest)
    return unit, [row for row in strongest if row.unit != unit]


def _listed(outvoted: Sequence[Row], agreeing: Sequence[Row]) -> list[str]:
    """Return where the rows of a conflict stand: those left out, and the first of the others."""
    return [str(row) for row in (*outvoted, *agreeing[:1])]


def _agreed_unit(strongest: Sequence[Row]) -> str | None:
    """Return the unit that enough of the labels name, None where too few agree."""
    [(unit, count)] = Counter(row.unit for row in strongest).most_common(1)
    return unit if count >= AGREED * len(strongest) else None


def _without_repeats(group: dict[int, Row]) -> dict[int, Row]:
    """Leave out the file's rows with the text of a decided ticket; it takes over their thought."""
    decided = {row.digest for row in group.values() if row.origin == "decision"}
    thoughts = {row.digest: row.thought for row in group.values() if row.thought}
    return {
        number: replace(row, thought=row.thought or thoughts.get(row.digest, ""))
        for number, row in group.items()
        if row.origin == "decision" or row.digest not in decided
    }
