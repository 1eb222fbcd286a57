"""The little template language of the sample's word lists.

``[a|b]`` is a choice, which may hold slots but no further choice; ``{slot}`` is filled from the
scene: by a value set beforehand, by a number or by a template of that name.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import TypeVar

Item = TypeVar("Item")
Template = tuple[str | Callable[["Scene"], str], ...]

_TOKEN = re.compile(r"\{(\w+)\}|\[([^\[\]]*)\]")


class Scene:
    """What one matter of one ticket has in common: its random source and the values chosen so far.

    Attributes:
        rng: the ticket's random source.
        values: slots that are settled, by name.
        grammar: where the other slots are looked up.
    """

    __slots__ = ("grammar", "rng", "values")

    def __init__(self, grammar: "Grammar", rng: Random, values: dict[str, str]) -> None:
        self.grammar = grammar
        self.rng = rng
        self.values = values

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of ``items``; several times faster than ``Random.choice``."""
        return items[int(self.rng.random() * len(items))]

    def chance(self, probability: float) -> bool:
        """Return true with the given probability."""
        return self.rng.random() < probability

    def render(self, template: Template) -> str:
        """Return the text of ``template`` in this scene."""
        return "".join([part if isinstance(part, str) else part(self) for part in template])

    def say(self, templates: Sequence[Template]) -> str:
        """Return the text of one of ``templates``."""
        return self.render(self.pick(templates))

    def slot(self, name: str) -> str:
        """Return the value of slot ``name``, choosing it where nothing has settled it."""
        value = self.values.get(name)
        if value is None:
            value = self.grammar.fill(name, self)
            if name in self.grammar.sticky:
                self.values[name] = value
        return value


class Grammar:
    """The slots that word lists define.

    Args:
        slots: for each slot its templates.
        numbers: for each number slot lowest value, highest value and step.
        sticky: the slots which keep their value within a scene.
    """

    def __init__(
        self,
        slots: Mapping[str, Sequence[str]],
        numbers: Mapping[str, tuple[int, int, int]],
        sticky: frozenset[str],
    ) -> None:
        self.sticky = sticky
        self._slots = {name: compile_all(templates) for name, templates in slots.items()}
        self._numbers = {
            name: tuple(map(str, range(low, high + 1, step)))
            for name, (low, high, step) in numbers.items()
        }

    def fill(self, name: str, scene: Scene) -> str:
        """Choose a value for slot ``name``; raises KeyError for a slot no list defines."""
        numbers = self._numbers.get(name)
        return scene.pick(numbers) if numbers else scene.say(self._slots[name])


def compile_template(text: str) -> Template:
    """Parse one template."""
    parts: list[str | Callable[[Scene], str]] = []
    end = 0
    for match in _TOKEN.finditer(text):
        if match.start() > end:
            parts.append(text[end : match.start()])
        slot, choice = match.groups()
        parts.append(_slot(slot) if slot else _choice(choice))
        end = match.end()
    if end < len(text):
        parts.append(text[end:])
    return tuple(parts)


def compile_all(texts: Sequence[str]) -> tuple[Template, ...]:
    """Parse several templates."""
    return tuple(map(compile_template, texts))


def _slot(name: str) -> Callable[[Scene], str]:
    return lambda scene: scene.slot(name)


def _choice(text: str) -> Callable[[Scene], str]:
    options = compile_all(text.split("|"))
    return lambda scene: scene.say(options)
