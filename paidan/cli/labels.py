"""What the labels of a file mean: units that are entered, new ones, or none."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from core.errors import TaxonomyError
from core.names import is_blank_unit, name_key, spelled

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.taxonomy import UnitRecord
    from db.unit_index import UnitIndex

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a file, each with what it means.

    Attributes:
        codes: label -> code of the unit it names.
        blank: labels that name none, such as NULL or 待定.
        gone: labels of units that were retired or split: nobody knows whose their tickets are now.
        new: units that are not entered yet.
        why: label -> why it cannot be taken.
    """

    codes: dict[str, str]
    blank: set[str]
    gone: set[str]
    new: "list[UnitRecord]"
    why: dict[str, str]


def shortened(names: Sequence[str]) -> str:
    """Return the first of some names, for a message."""
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def read_labels(session: "Session", labels: Counter[str], *, new_units: bool) -> Labels:
    """Return what labels mean; tell which are read as a unit that they merely look like.

    Args:
        session: of the record.
        labels: each with its number of rows.
        new_units: take a label that names no unit for a new one.
    """
    from db import taxonomy

    codes = taxonomy.resolve(session, labels)
    blank = {label for label in labels if label not in codes and is_blank_unit(label)}
    rest = Counter({k: n for k, n in labels.items() if k not in codes and k not in blank})
    new = taxonomy.missing_units(session, rest) if new_units else []
    by_key = {name_key(unit.name): unit.code for unit in new}
    codes |= {label: by_key[name_key(label)] for label in rest if name_key(label) in by_key}
    left = [label for label in rest if label not in codes]
    index = taxonomy.read_index(session)
    gone = {label for label in left if len(index.meant(label)) == 0 and _is_known(index, label)}
    why = {label: taxonomy.why_unresolved(session, label) for label in left}
    _tell_alike(session, codes)
    return Labels(codes, blank, gone, new, why)


def _is_known(index: "UnitIndex", label: str) -> bool:
    return index.exact(label) is not None or bool(index.alike(label))


def _tell_alike(session: "Session", codes: Mapping[str, str]) -> None:
    """Tell which labels are read as what they look like, and which units look alike."""
    from db import taxonomy

    index = taxonomy.read_index(session)
    alike = sorted(
        f"{spelled(label)} as {spelled(code)}"
        for label, code in codes.items()
        if label != code and index.exact(label) is None
    )
    if alike:
        click.echo(
            f"note: {len(alike):,} labels are read as the unit they look like: {shortened(alike)}",
            err=True,
        )
    for group in index.look_alikes():
        click.echo(
            f"note: units {', '.join(spelled(unit.code) for unit in group)} look alike; see "
            "'paidan units remove --look-alikes'",
            err=True,
        )


def add_learned_units(session: "Session", new: "Sequence[UnitRecord]", actor: str) -> list[str]:
    """Add the units that the labels named, and return their names.

    Raises:
        TaxonomyError: meanwhile somebody else added a unit that looks like one of them.
    """
    from db import taxonomy

    added = taxonomy.ensure_units(session, {unit.name: 1 for unit in new}, actor=actor)
    known = taxonomy.resolve(session, [unit.code for unit in new], alike=False)
    lost = [unit.code for unit in new if unit.code not in known]
    if lost:
        raise TaxonomyError(
            f"while the version was trained, a unit was added that looks like {lost[0]!r}: train "
            "again"
        )
    return added
