"""What a run is to make: the parameters in its row."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import InputError


class Wish(BaseModel):
    """What was asked for; all of it can be asked for again.

    Parameters:
        seed: digest of the labelled tickets that are learned beside people's decisions
            (``training.snapshot.seed``), None for decisions alone.
        base: the name of an LLM's base model, None for the one that was added.
        recipe: TOML over the base's recipe.
        files: copies of the files that the recipe names, see ``kept_files``.
        error_target: share of wrong answers to accept among those not held back, 0 to 1.
        no_unit_review: share of tickets of learned units to hold back as of no unit, 0 to 1.
        answer: what an LLM answers by; None for what is better.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    base: str | None = None
    recipe: str = ""
    files: dict[str, str] = Field(default_factory=dict)
    error_target: float = Field(0.05, ge=0, le=1)
    no_unit_review: float = Field(0.05, ge=0, le=1)
    answer: Literal["head", "names"] | None = None

    @classmethod
    def of(cls, parameters: dict[str, Any]) -> Self:
        """Read a run's parameters.

        Raises:
            InputError: this Paidan does not know one of them.
        """
        try:
            return cls.model_validate(parameters)
        except ValidationError as error:
            named = ", ".join(".".join(map(str, one["loc"])) for one in error.errors())
            raise InputError(
                f"the run's parameters cannot be read ({named}): ask for another run with the "
                "Paidan that trains"
            ) from error
