"""The set-up of an LLM version, ``llm.json``: all its answers depend on beside its adapter."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from classifier.labels.prompt import Lengths, Prompt, Tokenizer
from classifier.labels.template import PromptUnit, Template
from classifier.labels.trie import LabelTrie
from classifier.manifest import Manifest, damaged, problems
from classifier.model.bases.base import Base
from classifier.model.bases.entries import BASES, find_base
from classifier.version_files import read_file
from core.errors import ModelVersionError, PaidanError

SETUP = "llm.json"

AnswerBy = Literal["head", "names"]
"""What an LLM answers by: a head over the units, or the exact search of their names."""


class Answer(BaseModel):
    """How an LLM version answers.

    Parameters:
        by: the head or the names.
        taught: codes of the units with samples. The others are known by their names alone, and
            their answers go to a person.
        names_temperature: of the names' scores where the head answers and names divide the
            probability of units that have no row; the calibration's is the head's then.
        linear_weight: of a linear model's scores, which are added to the head's
            (``linear_model.LinearWeights`` beside the adapter, its classes are the taught units);
            0 where the head answers alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: AnswerBy
    taught: tuple[str, ...] = Field(min_length=1)
    names_temperature: float = Field(1.0, gt=0, allow_inf_nan=False)
    linear_weight: float = Field(0.0, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _blends_a_head(self) -> Self:
        if self.linear_weight and self.by != "head":
            raise ValueError("linear_weight is added to a head's scores, and names answer")
        return self


class Setup(BaseModel):
    """The contents of ``llm.json``.

    Parameters:
        base: name of the base model.
        base_sha256: ``Base.sha256`` of its configuration and weights.
        tokenizer_sha256: ``Base.tokenizer_sha256``.
        template: the prompt template's text.
        units: the units the prompt lists, in its order.
        max_seq_length: see ``prompt.Lengths``.
        max_prefix_length: see ``prompt.Lengths``.
        answer: how it answers; None of versions made before there was a head: by their names, all
            of which were taught.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str = Field(max_length=128)
    base_sha256: str
    tokenizer_sha256: str
    template: str
    units: tuple[PromptUnit, ...]
    max_seq_length: int
    max_prefix_length: int
    answer: Answer | None = None

    @classmethod
    def read(cls, directory: Path, manifest: Manifest) -> Self:
        """Read a version's set-up.

        Raises:
            ModelVersionError: it is missing, changed or malformed.
            StorageError: it is there and cannot be read.
        """
        content = read_file(directory, manifest, SETUP)
        try:
            setup = cls.model_validate_json(content)
        except ValidationError as error:
            # Not the error's own text: it has many lines, and quotes the content.
            raise damaged(directory / SETUP, f"not a set-up ({problems(error)})") from error
        codes = sorted(unit.code for unit in setup.units)
        if codes != sorted(manifest.codes):
            raise damaged(directory / SETUP, "its units are not the manifest's")
        if setup.answer and not set(setup.answer.taught) <= set(codes):
            raise damaged(directory / SETUP, "it was taught units that are not the manifest's")
        return setup

    def find_base(self, directory: Path, manifest: Manifest) -> Base:
        """Return the base that a version was trained on; added bases lie beside the version.

        Raises:
            ModelVersionError: there is no base of that name, or it has other files.
        """
        base = find_base(self.base, directory.parent / BASES)
        for what, found, wanted in (
            ("weights", base.sha256, self.base_sha256),
            ("tokenizer", base.tokenizer_sha256, self.tokenizer_sha256),
        ):
            if found != wanted:
                raise ModelVersionError(
                    f"model version {manifest.name} was trained on a base {self.base} with other "
                    f"{what} than the one here ({base.path}): add that base, or train again"
                )
        return base

    def read_prompt(self, directory: Path, tokenizer: Tokenizer) -> Prompt:
        """Return the prompt of the version in a directory, in the base's tokens.

        Raises:
            ModelVersionError: the template is malformed, or leaves a ticket too little room; or
                units have one name in these tokens, or none.
        """
        try:
            prompt = self.prompt(tokenizer)
            LabelTrie(prompt.labels, tokenizer.eos_token_id)
        except PaidanError as error:
            raise damaged(directory / SETUP, str(error)) from error
        return prompt

    def prompt(self, tokenizer: Tokenizer) -> Prompt:
        """Return the prompt of a set-up that no version has yet.

        Raises:
            InputError: the template is malformed, or leaves a ticket too little room.
        """
        return Prompt(
            tokenizer,
            Template.parse(self.template, SETUP),
            self.units,
            Lengths(self.max_seq_length, self.max_prefix_length),
        )
