"""Divides settled rows: the frozen test set first, then what stays out for a while, then the rest.

Whatever is drawn is drawn by a hash of the text, a group of near-duplicates at a time, so the same
tickets are drawn again in each snapshot. What a snapshot has taught is never drawn later.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.held_out import split_groups
from training.snapshot.rows import Part, Row
from training.snapshot.settings import SnapshotSettings

NEAR_FROZEN = "near-duplicate of a frozen ticket"
NEAR_RECENT = "near-duplicate of a ticket that stays out of training"

Groups = dict[int, list[Row]]


@dataclass(frozen=True, slots=True)
class Division:
    """The parts of a snapshot, and how many rows are in none, by reason."""

    parts: Mapping[Part, Sequence[Row]]
    left_out: Counter[str]


def divide(
    rows: Sequence[Row],
    frozen: Sequence[Row],
    learned: Collection[str],
    settings: SnapshotSettings,
) -> Division:
    """Divide rows.

    Args:
        rows: settled, none in a group of a frozen one.
        frozen: what is in the frozen test set already; it stays there.
        learned: hashes of the texts that any version may have learned.
        settings: the shares and caps.
    """
    groups = _by_group(rows)
    unlearned = {
        number: group
        for number, group in groups.items()
        if not any(row.digest in learned for row in group)
    }
    drawable = _spare(unlearned, {g[0].unit for n, g in groups.items() if n not in unlearned})
    added = _freeze(drawable, frozen, settings)
    recent = _set_aside({n: g for n, g in drawable.items() if n not in added}, settings)
    rest = [row for row in rows if row.group not in added and row.group not in recent]
    training, validation = _validate(rest, settings)
    left_out = Counter(
        {
            NEAR_FROZEN: sum(len(groups[number]) - 1 for number in added),
            NEAR_RECENT: sum(len(groups[n]) - len(recent[n]) for n in recent),
        }
    )
    parts: dict[Part, Sequence[Row]] = {
        "training": training,
        "validation": validation,
        "frozen": [*frozen, *added.values()],
        "recent": [row for group in recent.values() for row in group],
    }
    return Division(parts, +left_out)


def draw(purpose: str, digest: str) -> float:
    """Return a number from 0 to 1 that is the text's own, for this purpose alone."""
    found = hashlib.sha256(f"{purpose}:{digest}".encode()).hexdigest()
    return int(found[:13], 16) / 16**13


def _by_group(rows: Iterable[Row]) -> Groups:
    groups: Groups = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    return dict(groups)


def _spare(groups: Groups, taught: Collection[str]) -> Groups:
    """Leave out one group of each unit that nothing else teaches: it is to be learned from."""
    last: dict[str, int] = {}
    for number in sorted(groups, key=lambda number: draw("frozen", groups[number][0].digest)):
        last[groups[number][0].unit] = number
    spared = {number for unit, number in last.items() if unit not in taught}
    return {number: group for number, group in groups.items() if number not in spared}


def _freeze(groups: Groups, frozen: Sequence[Row], settings: SnapshotSettings) -> dict[int, Row]:
    """Return the row that represents each group which joins the frozen test set."""
    room = settings.frozen_cap - len(frozen)
    seed_room = settings.seed_cap - sum(row.origin == "seed" for row in frozen)
    draws = {number: draw("frozen", group[0].digest) for number, group in groups.items()}
    added: dict[int, Row] = {}
    for number in sorted(draws, key=lambda number: draws[number]):
        row = max(groups[number], key=lambda row: row.rank)
        if draws[number] >= settings.frozen_share or len(added) >= room:
            break
        if row.rank == 1 or (row.origin == "seed" and seed_room < 1):
            continue
        seed_room -= row.origin == "seed"
        added[number] = row
    return added


def _set_aside(groups: Groups, settings: SnapshotSettings) -> Groups:
    """Return of each group that stays out of training the tickets a person decided."""
    drawn = {
        number: [row for row in group if row.rank > 1]
        for number, group in groups.items()
        if draw("recent", group[0].digest) < settings.recent_share
    }
    newest_first = sorted(
        (number for number, group in drawn.items() if group),
        key=lambda number: max(row.ticket or 0 for row in drawn[number]),
        reverse=True,
    )
    kept: Groups = {}
    room = settings.recent_cap
    for number in newest_first:
        room -= len(drawn[number])
        if room < 0:
            break
        kept[number] = drawn[number]
    return kept


def _validate(rows: Sequence[Row], settings: SnapshotSettings) -> tuple[list[Row], list[Row]]:
    """Return what is learned, and what is held out of it; each unit is learned.

    What was confirmed in bulk is learned alone: it is too weak to set a threshold.
    """
    bulk = {row.group for row in rows if row.rank == 1}
    candidates = [row for row in rows if row.group not in bulk]
    numbers = np.array([row.group for row in candidates], dtype=np.int64)
    drawn, _ = split_groups(numbers, settings.validation_share, settings.seed)
    held = {candidates[at].group for at in drawn.tolist()}
    taught = {row.unit for row in rows if row.group not in held}
    for row in candidates:
        if row.group in held and row.unit not in taught:
            held.discard(row.group)
            taught.add(row.unit)
    training = [row for row in rows if row.group not in held]
    return training, [row for row in rows if row.group in held]
