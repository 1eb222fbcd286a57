"""Prompt templates: text files with slots, chosen by name.

A template is read in this order: role and instruction, the ticket, the thought, the unit. Slots:
``{count}``, ``{units}`` (names) or ``{duties}`` (names with responsibilities) before ``{ticket}``;
then ``{thought}`` between ``<think>`` and ``</think>``; ``{unit}`` ends it. A base without these
marks takes a template without a thought: its unit follows the ticket directly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Self

from core.errors import InputError

STEPS = "steps"
"""The shipped template whose instruction asks for a thought in steps; without one it misleads."""
THINK, END_THINK = "<think>", "</think>"
_TICKET, _THOUGHT, _UNIT = "{ticket}", "{thought}", "{unit}"
_MARKERS = ("### Instruction:", "### Question:", "### Response:")


@dataclass(frozen=True, slots=True)
class PromptUnit:
    """A handling unit as the prompt shows it."""

    code: str
    name: str
    responsibilities: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A template, cut at its slots.

    Parameters:
        text: the whole, as written.
        head: the text before the ticket, with ``{count}``, ``{units}`` and ``{duties}`` in it.
        question_end: the text between ticket and thought, or unit where there is no thought.
        thought_end: the text between thought and unit; empty without a thought.
    """

    text: str
    head: str
    question_end: str
    thought_end: str

    @classmethod
    def parse(cls, text: str, name: str) -> Self:
        """Cut a template at its slots.

        Args:
            text: the file's content; one line break at its end does not count.
            name: for messages.

        Raises:
            InputError: a slot is missing, doubled or out of order; names it.
        """
        text = text.removesuffix("\n")
        thinks = any(part in text for part in (_THOUGHT, THINK, END_THINK))
        slots = (_TICKET, _THOUGHT, _UNIT) if thinks else (_TICKET, _UNIT)
        for slot in slots:
            if text.count(slot) != 1:
                raise InputError(
                    f"template {name}: {slot} stands {text.count(slot)} times, once is needed"
                )
        head, _, rest = text.partition(_TICKET)
        question_end, _, rest = rest.partition(_THOUGHT if thinks else _UNIT)
        thought_end, _, rest = rest.partition(_UNIT) if thinks else ("", "", rest)
        if rest or not question_end or (thinks and not thought_end):
            raise InputError(
                f"template {name}: the order must be {', '.join(slots)}, with text between them, "
                "and the unit must end it"
            )
        if thinks and (THINK not in question_end or END_THINK not in thought_end):
            raise InputError(
                f"template {name}: {{thought}} must stand between {THINK} and {END_THINK}"
            )
        return cls(text, head, question_end, thought_end)

    @property
    def has_thought(self) -> bool:
        """Whether there is a thought between ticket and unit."""
        return bool(self.thought_end)

    def without_thought(self) -> Self:
        """Return the template for a base that has no marks of a thought: the unit in its place."""
        if not self.has_thought:
            return self
        before = self.question_end.partition(THINK)[0]
        behind = self.thought_end.rpartition(END_THINK)[2].removeprefix("\n")
        return self.parse(f"{self.head}{_TICKET}{before}{behind}{_UNIT}", "without a thought")

    @property
    def tells_duties(self) -> bool:
        """Whether the instruction tells the units' responsibilities."""
        return "{duties}" in self.head

    def instruction(self, units: Sequence[PromptUnit]) -> str:
        """Return all that stands before the ticket, for these units in this order."""
        duties = (
            f"{u.name}：{u.responsibilities}" if u.responsibilities else u.name for u in units
        )
        slots = {
            "{count}": str(len(units)),
            "{duties}": "\n".join(duties),
            "{units}": "\n".join(unit.name for unit in units),
        }
        parts = self.head
        for slot, value in slots.items():
            parts = parts.replace(slot, value)
        return parts


def load_template(name: str) -> Template:
    """Read a template that Paidan ships, or a file named by its path.

    Raises:
        InputError: there is no such template, or it is malformed.
    """
    shipped = resources.files("classifier.labels").joinpath("templates")
    try:
        if "/" in name or name.endswith(".txt"):
            return Template.parse(Path(name).read_text("utf-8"), name)
        return Template.parse(shipped.joinpath(f"{name}.txt").read_text("utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        names = ", ".join(sorted(p.name.removesuffix(".txt") for p in shipped.iterdir()))
        raise InputError(
            f"template {name!r} cannot be read ({error}): name one of {names}, or a .txt file"
        ) from error


def neutralise(text: str, added_tokens: Sequence[str]) -> str:
    """Return a text in which the model's own tokens and the template's headings are defused.

    A citizen may write ``</think>`` or ``### Response:``, and the model must read them as text. A
    space after the first character is enough, and a person still reads what was written.
    """
    for marker in (*_MARKERS, *added_tokens):
        if len(marker) > 1 and marker in text:
            text = text.replace(marker, f"{marker[0]} {marker[1:]}")
    return text
