"""The recipe's section of soft labels."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Missing = Literal["refuse", "label"]
"""What becomes of tickets that a file has no line for."""


class Soft(BaseModel):
    """Where soft labels come from, and how much they count.

    Parameters:
        version: name of the model version that teaches.
        file: path of a JSONL file with probabilities of units.
        missing: "refuse" tickets for which the file has no line, or learn them by their "label".
        weight: share of a target that is the teacher's; the rest is the label's.
        temperature: what softens the teacher's probabilities, over 1, or sharpens them, under 1
            (Hinton, Vinyals & Dean, "Distilling the Knowledge in a Neural Network", 2015).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str | None = None
    file: str | None = None
    missing: Missing = "refuse"
    weight: float = Field(0.5, gt=0, le=1)
    temperature: float = Field(1.0, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if self.version is not None and self.file is not None:
            raise ValueError("version and file cannot both teach: name one of them")
        if self.model_fields_set and self.version is None and self.file is None:
            raise ValueError("nothing teaches: name a version or a file")
        return self

    @property
    def source(self) -> str | None:
        """What teaches, for people; None where the labels alone do."""
        return self.version or self.file
