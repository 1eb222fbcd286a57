"""The taxonomy: which handling units there are, and which unit each code or name stands for."""

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.errors import TaxonomyError
from core.names import name_key, spelled, tidy_name
from db import events
from db.models import Unit
from db.unit_index import UnitIndex, is_in_ring
from db.unit_record import STATUSES as STATUSES
from db.unit_record import UnitRecord as UnitRecord
from db.unit_record import identify


@dataclass(frozen=True, slots=True)
class Imported:
    """How an import changed the taxonomy.

    Attributes:
        added: units.
        changed: units.
        unchanged: units of the file.
        version: the taxonomy's, then.
        passed_on: names that other units had before: name, code of before, code of now.
    """

    added: int
    changed: int
    unchanged: int
    version: int
    passed_on: Sequence[tuple[str, str, str]] = ()


def current_version(session: Session) -> int:
    """Return the taxonomy's version: it grows by one with each import that changes anything."""
    return session.scalar(select(func.max(Unit.taxonomy_version))) or 0


def list_units(session: Session, *, active_only: bool = False) -> list[Unit]:
    """Return the units by code."""
    query = select(Unit).order_by(Unit.code)
    if active_only:
        query = query.where(Unit.status == "active")
    return list(session.scalars(query))


def import_units(session: Session, records: Iterable[UnitRecord], *, actor: str) -> Imported:
    """Add and update units; those not named stay as they are.

    Names and new codes are taken as they look, without invisible characters (``tidy_name``).

    Raises:
        TaxonomyError: a doubled, blank or too long code or name, two that look alike, an unknown
            status, parent, merge target or part, a merge that ends at no active unit, a split of
            which all parts are gone, a ring of these. Nothing is changed then.
    """
    index = read_index(session)
    existing = index.units
    wanted = identify(records, index)
    passed_on = _passed_on(wanted, existing)
    version = current_version(session) + 1
    added = changed = 0
    for record in wanted.values():
        unit = existing.get(record.code)
        if unit is None:
            existing[record.code] = unit = Unit(code=record.code)
            added += 1
        elif _as_record(unit) == record:
            continue
        else:
            changed += 1
        unit.responsibilities = record.responsibilities
        unit.status = record.status
        unit.taxonomy_version = version
    _check_links(wanted, existing)
    _link(session, wanted, existing)
    _check_merges(existing)
    unchanged = len(wanted) - added - changed
    if not added and not changed:
        return Imported(0, 0, unchanged, version - 1)
    events.record(session, "units.imported", actor=actor, added=added, changed=changed)
    return Imported(added, changed, unchanged, version, passed_on)


def read_index(session: Session) -> UnitIndex:
    """Return all units, to be found by code and name."""
    return UnitIndex(session.scalars(select(Unit)))


def resolve(session: Session, names: Collection[str], *, alike: bool = True) -> dict[str, str]:
    """Map each code or name to the code of the active unit that stands for it now.

    Args:
        session: a session.
        names: codes or names.
        alike: take a spelling that only looks like a unit's for it, too (``core.names``).

    Returns:
        Code by name. A name is absent if no unit has it, if it looks like that of several units, or
        if its unit is retired without a successor. ``why_unresolved`` tells which.
    """
    index = read_index(session)
    found: dict[str, str] = {}
    for name in names:
        if not alike and index.exact(name) is None:
            continue
        meant = index.meant(name)
        if len(meant) == 1:
            found[name] = meant[0].code
    return found


def why_unresolved(session: Session, name: str) -> str:
    """Say why a name resolves to no unit, and what to do."""
    index = read_index(session)
    meant = index.meant(name)
    if len(meant) > 1:
        codes = " and ".join(spelled(unit.code) for unit in meant)
        return (
            f"{spelled(name)} may be any of the units {codes}, which look alike: write one's code, "
            "or merge them ('paidan units remove --look-alikes', 'paidan units import')"
        )
    exact = index.exact(name)
    found = [exact] if exact is not None else index.alike(name)
    parts = [part for unit in found for part in index.stands_now(unit.code)]
    if parts:
        codes = " and ".join(spelled(unit.code) for unit in parts)
        return f"{spelled(name)} was split into {codes}: name one of them"
    if found:
        return f"{spelled(name)} is retired without a successor ('paidan units list --all')"
    return f"{spelled(name)} is unknown ('paidan units list')"


def missing_units(session: Session, labels: Mapping[str, int]) -> list[UnitRecord]:
    """Return a new active unit for each label that looks like no unit's code or name.

    Spellings of one name are one unit, named as most labels have it; code and name are alike.

    Args:
        session: a session; nothing is written.
        labels: label -> how often it stands.
    """
    index = read_index(session)
    spellings: dict[str, Counter[str]] = {}
    for label, count in labels.items():
        if index.exact(label) is None and not index.alike(label):
            spellings.setdefault(name_key(label), Counter())[tidy_name(label)] += count
    names = sorted(found.most_common(1)[0][0] for found in spellings.values())
    return [UnitRecord(code=name, name=name) for name in names]


def ensure_units(session: Session, labels: Mapping[str, int], *, actor: str) -> list[str]:
    """Add a unit for each label that names none (see ``missing_units``); return their names."""
    missing = missing_units(session, labels)
    if missing:
        import_units(session, missing, actor=actor)
    return [record.name for record in missing]


def _passed_on(
    wanted: Mapping[str, UnitRecord], units: Mapping[str, Unit]
) -> tuple[tuple[str, str, str], ...]:
    """Return the names that go over from one unit to another: (name, from, to)."""
    before = {unit.name: code for code, unit in units.items()}
    return tuple(
        (record.name, before[record.name], code)
        for code, record in wanted.items()
        if before.get(record.name, code) != code
    )


def _check_links(wanted: Mapping[str, UnitRecord], units: Mapping[str, Unit]) -> None:
    """Refuse a name that a unit not imported has or seems to have, and half a merge."""
    others = [unit for code, unit in units.items() if code not in wanted]
    taken = {unit.name: unit for unit in others}
    looks = {name_key(unit.name): unit for unit in others if unit.status == "active"}
    for record in wanted.values():
        if (twin := taken.get(record.name)) is not None:
            raise TaxonomyError(
                f"unit {record.shown}: the name {record.name!r} belongs to unit "
                f"{twin.code!r} already"
            )
        twin = looks.get(name_key(record.name)) if record.status == "active" else None
        if twin is not None and units[record.code].name != record.name:
            raise TaxonomyError(
                f"unit {record.shown}: the name {record.name!r} looks like that of unit "
                f"{twin.code!r}; use that code, or remove or merge that unit"
            )
        if (record.status == "merged") != (record.merged_into is not None):
            raise TaxonomyError(f"unit {record.shown}: status 'merged' and merged_into go together")


def _link(session: Session, wanted: Mapping[str, UnitRecord], units: Mapping[str, Unit]) -> None:
    """Write names, parents and successors once all rows exist."""
    for record in wanted.values():
        unit = units[record.code]
        if unit.name != record.name:
            unit.name = uuid.uuid4().hex  # names are unique, and two may change places
    session.add_all(units[code] for code in wanted)
    session.flush()
    for record in wanted.values():
        units[record.code].name = record.name
        units[record.code].parent_code = record.parent
        units[record.code].merged_into = record.merged_into
        units[record.code].split_into = list(record.split_into) or None
    session.flush()


def _check_merges(units: Mapping[str, Unit]) -> None:
    """Refuse a ring, a merge that ends at no active unit, and a split that ends at none at all."""
    index = UnitIndex(units.values())
    for unit in units.values():
        if is_in_ring(unit, units):
            raise TaxonomyError(
                f"unit {unit.code!r}: what took it over, {' and '.join(unit.successors)}, leads "
                "back to it: leave one of these merges or splits out"
            )
        if unit.split_into and not index.stands_now(unit.code):
            raise TaxonomyError(
                f"unit {unit.code!r} is split into {' and '.join(map(repr, unit.split_into))}, "
                "which lead to no active unit: import it without split_into"
            )
        if unit.status == "merged" and not index.stands_now(unit.code):
            raise TaxonomyError(
                f"unit {unit.code!r} is merged into {unit.merged_into!r}, which leads to no "
                "active unit: import it, too, as retired or merged into another one"
            )


def _as_record(unit: Unit) -> UnitRecord:
    return UnitRecord(
        code=unit.code,
        name=unit.name,
        responsibilities=unit.responsibilities,
        parent=unit.parent_code,
        status=unit.status,
        merged_into=unit.merged_into,
        split_into=tuple(unit.split_into or ()),
    )
