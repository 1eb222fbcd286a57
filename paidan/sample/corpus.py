"""The sample's word lists, read and parsed once: units with their matters, places, small talk."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import accumulate
from typing import Any

from paidan.sample.grammar import Grammar, Template, compile_all

# Every unit has this share at least; the rest of the tickets follows 1 / (rank + offset).
_LEAST_SHARE = 0.0045
_RANK_OFFSET = 4


@dataclass(frozen=True)
class Matter:
    """Something people call about; the last of its phrasings is a clause that stands alone.

    ``is_upper`` marks a matter that a district decides even for a town with a unit of its own.
    """

    title: str
    phrasings: tuple[Template, ...]
    is_upper: bool = False


@dataclass(frozen=True)
class Place:
    """A district with its towns, or (``is_part``) one town of it that has a unit of its own."""

    district: str
    towns: tuple[str, ...]
    upper_towns: tuple[str, ...] = ()
    is_part: bool = False

    @property
    def anchors(self) -> tuple[str, ...]:
        """The names of which a text must hold one where the place decides the unit."""
        return self.towns if self.is_part else (self.district, *self.towns, *self.upper_towns)


@dataclass(frozen=True)
class Unit:
    """A handling unit as the composer sees it; ``home`` is set where the place decides."""

    name: str
    neighbours: tuple[str, ...]
    matters: tuple[Matter, ...]
    operator: str
    home: Place | None


@dataclass(frozen=True)
class Talk:
    """The small talk of one register, see words.toml."""

    opening: tuple[Template, ...]
    opening_place: tuple[Template, ...]
    chatter: tuple[Template, ...]
    request: tuple[Template, ...]
    closing: tuple[Template, ...]
    end: str


@dataclass(frozen=True)
class Corpus:
    """All the word lists; ``cumulative_shares`` belongs to ``units``, in order of frequency."""

    units: tuple[Unit, ...]
    by_name: Mapping[str, Unit]
    cumulative_shares: tuple[float, ...]
    places: tuple[Place, ...]
    grammar: Grammar
    talk: Mapping[str, Talk]
    phrases: Mapping[str, tuple[Template, ...]]
    typos: tuple[tuple[str, str], ...]


@cache
def load_corpus() -> Corpus:
    """Read the word lists that lie beside this module."""
    words = _read("words.toml")
    matters = _read("matters.toml")
    homes = {
        entry["unit"]: Place(
            entry["district"],
            tuple(entry["towns"]),
            tuple(entry.get("upper_towns", ())),
            entry.get("part", False),
        )
        for entry in words["place"]
    }
    units = tuple(_unit(entry, matters, homes) for entry in matters["unit"])
    return Corpus(
        units=units,
        by_name={unit.name: unit for unit in units},
        cumulative_shares=_cumulative_shares(len(units)),
        places=tuple(homes.values()),
        grammar=Grammar(words["slots"], words["numbers"], frozenset(words["sticky"])),
        talk={name: _talk(lists) for name, lists in words["talk"].items()},
        phrases={
            f"{table}.{name}": compile_all(texts)
            for table in ("side", "mention", "title")
            for name, texts in words[table].items()
        },
        typos=tuple(words["typos"].items()),
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("paidan.sample").joinpath(name).read_text("utf-8"))


def _unit(entry: Mapping[str, Any], tables: Mapping[str, Any], homes: Mapping[str, Place]) -> Unit:
    matters = _matters(entry.get("matters", {}))
    if "telecom" in entry:
        matters += _matters(tables["telecom"])
    for table in entry.get("local", ()):
        matters += _matters(tables["local"][table], is_upper=table == "upper")
    return Unit(
        name=entry["name"],
        neighbours=tuple(entry["neighbours"]),
        matters=matters,
        operator=entry.get("telecom", ""),
        home=homes.get(entry["name"]),
    )


def _matters(table: Mapping[str, list[str]], *, is_upper: bool = False) -> tuple[Matter, ...]:
    return tuple(Matter(title, compile_all(texts), is_upper) for title, texts in table.items())


def _talk(lists: Mapping[str, Any]) -> Talk:
    end = str(lists["end"])
    return Talk(end=end, **{k: compile_all(v) for k, v in lists.items() if k != "end"})


def _cumulative_shares(count: int) -> tuple[float, ...]:
    weights = [1 / (rank + _RANK_OFFSET) for rank in range(count)]
    rest = (1 - count * _LEAST_SHARE) / sum(weights)
    return tuple(accumulate(_LEAST_SHARE + rest * weight for weight in weights))
