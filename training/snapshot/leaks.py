"""Refuses what would teach a ticket that judges: then the judgement would be worth nothing."""

from collections.abc import Collection, Mapping, Sequence

from core.errors import SnapshotError
from training.near_duplicates import normalise
from training.snapshot.rows import JUDGED_PARTS, LEARNED_PARTS, Part, Row

_SHOWN = 3


def refuse_leaks(parts: Mapping[Part, Sequence[Row]], name: str) -> None:
    """Refuse parts of which one teaches what another judges on.

    Args:
        parts: the rows of each part; near-duplicates are told by their group, and those that say
            the same in other signs or case by themselves, whatever group a changed file gives them.
        name: of the snapshot, for people.

    Raises:
        SnapshotError: a judged ticket, or one of its group, is to be learned.
    """
    learned = [(row, normalise(row.text)) for part in LEARNED_PARTS for row in parts[part]]
    for part in JUDGED_PARTS:
        texts = {normalise(row.text) for row in parts[part]}
        groups = {row.group for row in parts[part]}
        found = [row for row, text in learned if row.group in groups or text in texts]
        if found:
            raise _leak(name, part, [str(row) for row in found])


def _leak(name: str, part: str, places: Collection[str]) -> SnapshotError:
    shown = ", ".join(sorted(places)[:_SHOWN])
    more = ", …" if len(places) > _SHOWN else ""
    return SnapshotError(
        f"{name} would teach {len(places):,} tickets of the {part} set or their near-duplicates "
        f"({shown}{more}): a version that learned them cannot be judged. Build the snapshot anew, "
        "or take these tickets out of the training data"
    )
