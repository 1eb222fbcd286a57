"""Tells of near-duplicates that people gave to different units.

A model cannot learn them, and they count as its errors. Where they stand is told, never their text.
"""

from collections import defaultdict
from collections.abc import Sequence

from training.near_duplicates import Rows
from training.progress import Progress
from training.samples import Sample

_SHOWN = 3


def tell_conflicts(samples: Sequence[Sample], groups: Rows, progress: Progress) -> None:
    """Tell how many groups of near-duplicates have different units, and where a few of them stand.

    Args:
        samples: n of them.
        groups: (n,) group numbers (``near_duplicates``).
        progress: is told one line, and none where there are none.
    """
    found = conflicts(samples, groups)
    if not found:
        return
    shown = "; ".join(" and ".join(_place(one) for one in group) for group in found[:_SHOWN])
    progress.say(
        f"near-duplicates with different units: {len(found):,}, such as {shown}; settle which unit "
        "is right, for no model can learn both"
    )


def conflicts(samples: Sequence[Sample], groups: Rows) -> list[list[Sample]]:
    """Return of each group with different units the first sample of each unit."""
    members: dict[int, dict[str, Sample]] = defaultdict(dict)
    for sample, group in zip(samples, groups.tolist(), strict=True):
        members[group].setdefault(sample.unit, sample)
    return [list(units.values()) for units in members.values() if len(units) > 1]


def _place(sample: Sample) -> str:
    return f"{sample.source or 'a ticket'} ({sample.unit})"
