"""Tickets that people decided, as the gate compares two versions on them."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError

BY_CHANCE = "sample"
"""Why people were asked about a ticket of the blind sample: its hash drew it, not the champion."""

_SHOWN = 3  # hashes in a message


@dataclass(frozen=True, slots=True)
class JudgedTicket:
    """A ticket whose right unit is known.

    Parameters:
        text: as ``core.text.model_text`` made it.
        unit: code of the right unit, as it is now.
        group: number of its group of near-duplicates, within its set.
        asked: why people were asked: "doubtful", "no_unit", ``BY_CHANCE``, "bulk", "file", ….
        inclusion: the probability with which a ticket like it comes before a person, over 0 and up
            to 1; None where nobody knows it.
    """

    text: str
    unit: str
    group: int
    asked: str = "file"
    inclusion: float | None = None

    def __post_init__(self) -> None:
        if self.inclusion is not None and not 0 < self.inclusion <= 1:
            raise InputError(
                f"a ticket of unit {self.unit} (asked: {self.asked}) has the inclusion probability "
                f"{self.inclusion}: it must be over 0 and at most 1, or left out where unknown"
            )


def text_hash(text: str) -> str:
    """Return the SHA-256 (hex) of a ticket's text, by which learned tickets are named."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def check_unlearned(
    tickets: Sequence[JudgedTicket], learned: Collection[str], name: str, version: str
) -> None:
    """Refuse tickets that a version has learned.

    Args:
        tickets: on which it would be judged.
        learned: ``text_hash`` of what it learned.
        name: of the set, for people.
        version: of the model.

    Raises:
        InputError: it learned one of them.
    """
    known = frozenset(learned)
    if not known:
        return
    found = sorted({digest for one in tickets if (digest := text_hash(one.text)) in known})
    if found:
        shown = ", ".join(digest[:12] for digest in found[:_SHOWN])
        raise InputError(
            f"{version} has learned {len(found):,} of the {len(tickets):,} {name} tickets (text "
            f"hashes {shown}{', …' if len(found) > _SHOWN else ''}): take them out of its "
            "training data and train again, or out of the set"
        )


def right_units(tickets: Sequence[JudgedTicket]) -> NDArray[np.str_]:
    """Return (n,) codes of the right units."""
    return np.array([one.unit for one in tickets], dtype=np.str_)


def group_numbers(tickets: Sequence[JudgedTicket]) -> NDArray[np.int64]:
    """Return (n,) group numbers of near-duplicates."""
    return np.array([one.group for one in tickets], dtype=np.int64)
