"""The index of units: found by code or name, exactly or as it looks."""

from collections.abc import Iterable, Mapping
from itertools import permutations

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
        """Return the one active unit that stands for a unit now; None where none or several do."""
        return follow(unit, self.units)

    def stands_now(self, code: str) -> list[Unit]:
        """Return the active units that stand for a code now: the parts of one that was split."""
        unit = self.units.get(code)
        ends = set() if unit is None else _ends(unit, self.units, frozenset())
        return sorted((one for one in ends if one is not None), key=lambda one: one.code)

    def agree(self, one: str, other: str) -> bool:
        """Whether two codes are, or were, one unit: the same code, or some unit is of both.

        A unit that was split agrees with each of its parts.
        """
        if one == other:
            return True
        ends, others = ({unit.code for unit in self.stands_now(code)} for code in (one, other))
        return not ends.isdisjoint(others)

    def agreeing(self) -> set[tuple[str, str]]:
        """Return all pairs of different codes that agree, each in both orders."""
        meeting: dict[str, set[str]] = {}
        for code in self.units:
            for unit in self.stands_now(code):
                meeting.setdefault(unit.code, set()).add(code)
        return {pair for codes in meeting.values() for pair in permutations(codes, 2)}

    def look_alikes(self) -> list[list[Unit]]:
        """Return the active units whose names look alike, in groups, by code."""
        groups = ([u for u in units if u.status == "active"] for units in self._name_keys.values())
        return [sorted(group, key=lambda unit: unit.code) for group in groups if len(group) > 1]


def follow(unit: Unit, units: Mapping[str, Unit]) -> Unit | None:
    """Walk merges and splits to the one active unit at their end.

    None for a dead end, a ring, or several units: what went to a unit that was split, went to no
    one of its parts, unless these are one again.
    """
    ends = _ends(unit, units, frozenset())
    return next(iter(ends)) if len(ends) == 1 else None


def _ends(unit: Unit, units: Mapping[str, Unit], seen: frozenset[str]) -> frozenset[Unit | None]:
    """Return the active units to which a unit leads, with None for each dead end or ring."""
    if unit.status == "active":
        return frozenset([unit])
    ends: set[Unit | None] = set()
    for code in unit.successors:
        there = units.get(code)
        is_new = there is not None and there.code not in seen | {unit.code}
        ends |= _ends(there, units, seen | {unit.code}) if there and is_new else {None}
    return frozenset(ends or {None})


def is_in_ring(unit: Unit, units: Mapping[str, Unit]) -> bool:
    """Whether the merges and splits of a unit lead back to it."""
    reached, left = set[str](), list(unit.successors)
    while left:
        code = left.pop()
        if code not in reached and (there := units.get(code)) is not None:
            reached.add(code)
            left += there.successors
    return unit.code in reached


def _grouped(pairs: Iterable[tuple[str, Unit]]) -> dict[str, list[Unit]]:
    groups: dict[str, list[Unit]] = {}
    for key, unit in pairs:
        groups.setdefault(key, []).append(unit)
    return groups
