"""The taxonomy: which handling units there are, and where those that are gone went."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db import events
from db.models import Correction, Unit
from paidan.errors import TaxonomyError

STATUSES = ("active", "retired", "merged")
MAX_CODE_CHARS, MAX_NAME_CHARS = 100, 200


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """A unit as a file names it; ``merged_into`` is the code of the unit that took it over."""

    code: str
    name: str
    responsibilities: str = ""
    parent: str | None = None
    status: str = "active"
    merged_into: str | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """How an import changed the taxonomy."""

    added: int
    changed: int
    unchanged: int
    version: int


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

    Raises:
        TaxonomyError: a doubled, blank or too long code or name, an unknown status, parent or merge
            target, a merge that ends at no active unit. Nothing is changed then.
    """
    wanted = _check_unique(records)
    existing = {unit.code: unit for unit in session.scalars(select(Unit))}
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
    _link(session, wanted, existing)
    unchanged = len(wanted) - added - changed
    if not added and not changed:
        return Imported(0, 0, unchanged, version - 1)
    events.record(session, "units.imported", actor=actor, added=added, changed=changed)
    return Imported(added, changed, unchanged, version)


def resolve(session: Session, names: Collection[str]) -> dict[str, str]:
    """Map each code or name to the code of the active unit that stands for it now.

    Names that no unit has are absent from the answer; a retired unit without successor too.
    """
    units = {unit.code: unit for unit in session.scalars(select(Unit))}
    by_name = {unit.name: unit for unit in units.values()}
    found: dict[str, str] = {}
    for name in names:
        unit = units.get(name) or by_name.get(name)
        final = _follow(unit, units) if unit else None
        if final is not None:
            found[name] = final.code
    return found


def ensure_units(session: Session, labels: Collection[str], *, actor: str) -> list[str]:
    """Add an active unit, code and name alike, for each label that names none; return those."""
    known = {*session.scalars(select(Unit.code)), *session.scalars(select(Unit.name))}
    missing = sorted(set(labels) - known)
    if missing:
        import_units(
            session, [UnitRecord(code=label, name=label) for label in missing], actor=actor
        )
    return missing


def refused_units(session: Session, ticket_ids: Collection[int]) -> dict[int, set[str]]:
    """Return the units that returned (退单) each ticket: they are not offered it again."""
    refused: dict[int, set[str]] = {}
    query = select(Correction.ticket_id, Correction.from_unit).where(
        Correction.ticket_id.in_(ticket_ids),
        Correction.how == "return",
        Correction.from_unit.is_not(None),
    )
    for ticket_id, code in session.execute(query):
        assert code is not None  # the query says so
        refused.setdefault(ticket_id, set()).add(code)
    return refused


def _check_unique(records: Iterable[UnitRecord]) -> dict[str, UnitRecord]:
    wanted: dict[str, UnitRecord] = {}
    names: dict[str, str] = {}
    for record in records:
        _check_record(record)
        if record.code in wanted:
            raise TaxonomyError(f"unit code {record.code!r} stands twice; each needs its own")
        if record.name in names:
            raise TaxonomyError(
                f"units {names[record.name]!r} and {record.code!r} share the name {record.name!r}; "
                "a name must tell units apart"
            )
        wanted[record.code] = record
        names[record.name] = record.code
    return wanted


def _check_record(record: UnitRecord) -> None:
    for role, text, limit in (
        ("code", record.code, MAX_CODE_CHARS),
        ("name", record.name, MAX_NAME_CHARS),
    ):
        if not text.strip() or len(text) > limit:
            raise TaxonomyError(
                f"unit {record.code[:MAX_CODE_CHARS]!r}: its {role} has {len(text)} characters; "
                f"1 to {limit} are taken, not all of them blank"
            )
    if record.status not in STATUSES:
        raise TaxonomyError(
            f"unit {record.code!r}: status {record.status!r} is none of {', '.join(STATUSES)}"
        )


def _link(session: Session, wanted: Mapping[str, UnitRecord], units: Mapping[str, Unit]) -> None:
    """Set names, parents and successors once all rows exist, then check the whole."""
    taken = {unit.name: code for code, unit in units.items() if code not in wanted}
    for record in wanted.values():
        if record.name in taken:
            raise TaxonomyError(
                f"unit {record.code!r}: the name {record.name!r} belongs to unit "
                f"{taken[record.name]!r} already"
            )
        for role, code in (("parent", record.parent), ("merged_into", record.merged_into)):
            if code is not None and code not in units:
                raise TaxonomyError(f"unit {record.code!r}: its {role} {code!r} is no known unit")
        if (record.status == "merged") != (record.merged_into is not None):
            raise TaxonomyError(
                f"unit {record.code!r}: status 'merged' and merged_into go together"
            )
    for record in wanted.values():
        if units[record.code].name != record.name:
            units[
                record.code
            ].name = uuid.uuid4().hex  # names are unique, and two may change places
    session.add_all(units[code] for code in wanted)
    session.flush()
    for record in wanted.values():
        units[record.code].name = record.name
        units[record.code].parent_code = record.parent
        units[record.code].merged_into = record.merged_into
    session.flush()
    for unit in units.values():
        if unit.status == "merged" and _follow(unit, units) is None:
            raise TaxonomyError(
                f"unit {unit.code!r} is merged into {unit.merged_into!r}, which leads to no "
                "active unit"
            )


def _follow(unit: Unit, units: Mapping[str, Unit]) -> Unit | None:
    """Walk merges to the active unit at their end; None for a dead end or a ring."""
    seen: set[str] = set()
    current: Unit | None = unit
    while current is not None and current.code not in seen:
        if current.status == "active":
            return current
        seen.add(current.code)
        current = units.get(current.merged_into) if current.merged_into else None
    return None


def _as_record(unit: Unit) -> UnitRecord:
    return UnitRecord(
        code=unit.code,
        name=unit.name,
        responsibilities=unit.responsibilities,
        parent=unit.parent_code,
        status=unit.status,
        merged_into=unit.merged_into,
    )
