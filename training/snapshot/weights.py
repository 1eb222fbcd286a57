"""How much each row counts in training, and how many of a unit there may be."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from training.snapshot.division import draw
from training.snapshot.rows import Row
from training.snapshot.settings import SnapshotSettings

UNIT_CAP = "more than the cap of its unit"


def weigh(rows: Sequence[Row], settings: SnapshotSettings) -> list[Row]:
    """Return the rows to learn from, each with its weight.

    A decision that confirmed a list counts ``bulk_weight``. With the balance ``root`` a unit of n
    tickets counts as its root of n does; weights are 1 on the mean of all tickets then.

    Args:
        rows: the training part.
        settings: cap, balance and weight.
    """
    kept = _capped(rows, settings.unit_cap)
    sizes = Counter(row.unit for row in kept)
    scale = len(kept) / sum(size**0.5 for size in sizes.values()) if kept else 1.0
    return [
        replace(
            row,
            weight=row.weight
            * (settings.bulk_weight if row.rank == 1 else 1.0)
            * (scale * sizes[row.unit] ** -0.5 if settings.balance == "root" else 1.0),
        )
        for row in kept
    ]


def _capped(rows: Sequence[Row], cap: int) -> list[Row]:
    """Keep so many of each unit, what a person looked at before the others, then by hash."""
    if cap == 0:
        return list(rows)
    units: dict[str, list[int]] = defaultdict(list)
    order = sorted(range(len(rows)), key=lambda at: (-rows[at].rank, draw("cap", rows[at].digest)))
    for at in order:
        units[rows[at].unit].append(at)
    kept = sorted(at for members in units.values() for at in members[:cap])
    return [rows[at] for at in kept]
