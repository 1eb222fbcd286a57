"""A labelled ticket on its way into a snapshot."""

from dataclasses import dataclass
from typing import Literal, get_args

from db.provenance import Asked
from training.gate.tickets import JudgedTicket, text_hash
from training.samples import Sample

Origin = Literal["seed", "decision"]

Part = Literal["training", "validation", "frozen", "recent"]
PARTS: tuple[Part, ...] = get_args(Part)
LEARNED_PARTS: tuple[Part, ...] = ("training", "validation")
JUDGED_PARTS: tuple[Part, ...] = ("frozen", "recent")

UNKNOWN = "unknown"
"""Why people were asked, in decisions of before it was kept."""


BULK_RANK = 1
"""How strong a label is that was confirmed with a whole list."""


@dataclass(frozen=True, slots=True)
class Row:
    """A ticket, its unit, and who says so.

    Parameters:
        text: as ``core.text.model_text`` made it.
        unit: code of an active unit.
        origin: a file's label, or a person's decision.
        place: where it stands, for people: "line 12", "ticket 345 of crm".
        thought: why it is this unit.
        ticket: the ticket's id, of a decision.
        asked: why a person was asked (``db.provenance.Asked``).
        inclusion: with which chance such a ticket comes before a person; None where not known.
        group: number of its group of near-duplicates in the snapshot.
        weight: how much it counts in training.
    """

    text: str
    unit: str
    origin: Origin
    place: str
    thought: str = ""
    ticket: int | None = None
    asked: str = Asked.FILE.value
    inclusion: float | None = None
    group: int = 0
    weight: float = 1.0

    @property
    def digest(self) -> str:
        """The text's hash (hex): by it the ticket is found again in later snapshots."""
        return text_hash(self.text)

    @property
    def rank(self) -> int:
        """How strong the label is: 2 a person looked, 1 a list was confirmed, 0 a file says so."""
        if self.origin == "seed":
            return 0
        return BULK_RANK if self.asked == Asked.BULK else 2

    def __str__(self) -> str:
        """Return where it stands and which unit it names, without its text."""
        return f"{self.place} ({self.unit})"

    def as_sample(self) -> Sample:
        """Return it as what a model learns from."""
        return Sample(self.text, self.unit, self.thought, self.place, self.weight)

    def as_judged(self) -> JudgedTicket:
        """Return it as what the gate judges on."""
        return JudgedTicket(self.text, self.unit, self.group, self.asked, self.inclusion)
