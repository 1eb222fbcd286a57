"""Removal of units that nothing refers to."""

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.errors import TaxonomyError
from core.names import spelled, tidy_name
from db import events
from db.draw_tables import DrawnTicket
from db.models import Classification, Correction, Ticket, Unit
from db.shadow_tables import ShadowAnswer
from db.taxonomy import current_version, read_index

_REFERENCES: tuple[tuple[str, InstrumentedAttribute[str | None] | InstrumentedAttribute[str]], ...]
_REFERENCES = (
    ("a ticket is routed to it", Ticket.unit_code),
    ("a model answered it", Classification.unit_code),
    ("a person decided for it", Correction.to_unit),
    ("a person took a ticket from it", Correction.from_unit),
    ("a person was shown it", Correction.shown_unit),
    ("a person named it without a suggestion", DrawnTicket.unit_code),
    ("a version in the shadow answered it", ShadowAnswer.unit_code),
    ("a version in the shadow was compared on it", ShadowAnswer.champion_unit),
    ("another unit has it as parent", Unit.parent_code),
    ("another unit is merged into it", Unit.merged_into),
)


def uses(session: Session, code: str, learned: Mapping[str, Collection[str]]) -> list[str]:
    """Say what refers to a unit.

    Args:
        session: a session.
        code: the unit's.
        learned: unit code -> names of the model versions that learned it.
    """
    found = [
        what
        for what, column in _REFERENCES
        if session.scalar(select(column).where(column == code).limit(1)) is not None
    ]
    parts = session.scalars(select(Unit.split_into).where(Unit.split_into.is_not(None)))
    if any(code in some for some in parts if some):
        found.append("another unit was split into it")
    return found + [f"version {name} learned it" for name in sorted(learned.get(code, ()))]


def remove_unit(
    session: Session, name: str, learned: Mapping[str, Collection[str]], *, actor: str
) -> str:
    """Remove a unit that nothing refers to, and return its code.

    Args:
        session: a writing session.
        name: the unit's code or name.
        learned: see ``uses``.
        actor: who does it.

    Raises:
        TaxonomyError: there is no such unit, several look like it, or something refers to it.
    """
    index = read_index(session)
    exact = index.exact(name)
    found = [exact] if exact is not None else index.alike(name)
    if not found:
        raise TaxonomyError(f"there is no unit {spelled(name)} ('paidan units list --all')")
    if len(found) > 1:
        codes = ", ".join(spelled(unit.code) for unit in found)
        raise TaxonomyError(
            f"{spelled(name)} may be any of the units {codes}: write the code exactly, or use "
            "--look-alikes"
        )
    unit = found[0]
    why = uses(session, unit.code, learned)
    if why:
        raise TaxonomyError(
            f"unit {spelled(unit.code)} is in use: {'; '.join(why)}. Import it with the status "
            "'retired', or 'merged' and merged_into, instead"
        )
    _delete(session, unit, actor)
    return unit.code


def remove_look_alikes(
    session: Session, learned: Mapping[str, Collection[str]], *, actor: str
) -> tuple[list[str], list[list[str]]]:
    """Remove the units that nothing refers to and whose names look like that of one that stays.

    If all units of a group are unused, one stays: one with a tidy name, and of these the shortest.

    Returns:
        The codes removed, and the groups of two and more that are still there.
    """
    removed: list[str] = []
    left: list[list[str]] = []
    for group in read_index(session).look_alikes():
        unused = [unit for unit in group if not uses(session, unit.code, learned)]
        if len(unused) == len(group):
            kept = min(unused, key=_untidiness)
            unused.remove(kept)
        for unit in unused:
            _delete(session, unit, actor)
            removed.append(unit.code)
        still = [unit.code for unit in group if unit.code not in removed]
        if len(still) > 1:
            left.append(still)
    return removed, left


def _untidiness(unit: Unit) -> tuple[bool, int, str]:
    return tidy_name(unit.name) != unit.name, len(unit.name), unit.code


def _delete(session: Session, unit: Unit, actor: str) -> None:
    code, version = unit.code, current_version(session) + 1
    session.delete(unit)
    try:
        session.flush()
    except IntegrityError as error:
        raise TaxonomyError(f"unit {spelled(code)} came into use meanwhile: it stays") from error
    # The taxonomy's version is the newest of its rows. It must not fall with the removed row.
    successor = session.scalar(select(Unit).order_by(Unit.code).limit(1))
    if successor is not None:
        successor.taxonomy_version = version
        session.flush()
    events.record(session, "units.removed", actor=actor, code=code)
