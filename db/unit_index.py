"""The index of units: found by code or name, exactly or as it looks."""

from collections.abc import Iterable, Mapping

from core.names import name_key
from db.models import Unit


class UnitIndex:
    """Finds units by code and name.

    A code goes before a name, and what is written exactly before what only looks alike.
    """

    def __init__(self, units: Iterable[Unit]) -> None:
        self.units = {unit.code: unit for unit in units}
        self._by_name = {unit.name: unit for unit in self.units.values()}
        self._code_keys = _grouped((name_key(code), unit) for code, unit in self.units.items())
        self._name_keys = _grouped((name_key(u.name), u) for u in self.units.values())

    def exact(self, name: str) -> Unit | None:
        """Return the unit of that code, else of that name, whatever its status."""
        return self.units.get(name) or self._by_name.get(name)

    def alike(self, name: str) -> list[Unit]:
        """Return the units whose code looks like it, else those whose name does."""
        key = name_key(name)
        return self._code_keys.get(key) or self._name_keys.get(key) or []

    def meant(self, name: str) -> list[Unit]:
        """Return the active units that may stand for a name now: one if it is clear which.

        A unit that is gone without successor stands for nothing, unless an active one has its
        name in another spelling.
        """
        exact = self.exact(name)
        if exact is not None:
            final = self.follow(exact)
            if final is not None:
                return [final]
            found = self._name_keys.get(name_key(exact.name), [])
        else:
            found = self.alike(name)
        finals = {final.code: final for unit in found if (final := self.follow(unit)) is not None}
        return list(finals.values())

    def follow(self, unit: Unit) -> Unit | None:
        """Walk merges to the active unit at their end; None for a dead end or a ring."""
        return follow(unit, self.units)

    def agree(self, one: str, other: str) -> bool:
        """Whether two codes are, or were, one unit: the same code, or one unit stands for both."""
        if one == other:
            return True
        found = [self.units.get(code) for code in (one, other)]
        ends = [self.follow(unit) if unit is not None else None for unit in found]
        return ends[0] is not None and ends[0] is ends[1]

    def look_alikes(self) -> list[list[Unit]]:
        """Return the active units whose names look alike, in groups, by code."""
        groups = ([u for u in units if u.status == "active"] for units in self._name_keys.values())
        return [sorted(group, key=lambda unit: unit.code) for group in groups if len(group) > 1]


def follow(unit: Unit, units: Mapping[str, Unit]) -> Unit | None:
    """Walk merges to the active unit at their end; None for a dead end or a ring."""
    seen: set[str] = set()
    current: Unit | None = unit
    while current is not None and current.code not in seen:
        if current.status == "active":
            return current
        seen.add(current.code)
        current = units.get(current.merged_into) if current.merged_into else None
    return None


def _grouped(pairs: Iterable[tuple[str, Unit]]) -> dict[str, list[Unit]]:
    groups: dict[str, list[Unit]] = {}
    for key, unit in pairs:
        groups.setdefault(key, []).append(unit)
    return groups
