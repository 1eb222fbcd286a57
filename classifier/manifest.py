"""The manifest of a model version: its format, and what is refused as none.

A version is a directory: its files, and ``manifest.json``, which describes and hashes them. It is
written once (``registry.writer``) and never changed; ``version_files`` reads it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from core.errors import ModelVersionError
from core.json_text import parse_json

FORMAT = 1
MANIFEST = "manifest.json"
WEAK = "weak"
"""A version's metric: why it is too weak to answer, for people; only weak versions have it."""
CURE = "restore it from a backup or train again: paidan train"
"""What a person can do about a damaged version."""

_MAX_WORDS_CHARS = 400
_SHOWN = 3

Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
FileName = Annotated[str, Field(min_length=1, max_length=255)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LearnedUnit(_Part):
    """A handling unit as it was called when the version was trained."""

    code: str = Field(min_length=1)
    name: str


class NoUnit(_Part):
    """When a ticket is taken to belong to no unit (out-of-distribution detection).

    Parameters:
        score: which score of belonging is compared, by its name in ``classifier.belonging``.
        threshold: a ticket whose score is lower is held back as ``no_unit``.
        review: share of tickets that do belong to a unit which this may hold back.
    """

    score: str = Field(min_length=1)
    threshold: Finite
    review: Share


class ConformalSet(_Part):
    """Which units a set holds that has the right one in a share ``level`` of tickets.

    A unit is in the set where its probability is at least its floor (Sadinle et al., "Least
    Ambiguous Set-Valued Classifiers with Bounded Error Levels", JASA 2019).

    Parameters:
        level: 0.9 for sets that hold the right unit nine times of ten.
        floor: of units that have none of their own.
        floors: learned unit code -> its own floor, where its held-out tickets were enough.
    """

    level: Share
    floor: Share
    floors: dict[str, Share] = Field(default_factory=dict)


class Calibration(_Part):
    """How logits become probabilities, and which answers are held back.

    Versions made before a field was there have its default.

    Parameters:
        temperature: logits are divided by it.
        threshold: answers with a lower probability are doubtful; above 1 all are.
        error_target: the error that routed answers may have: those at or above the threshold that
            belong to a unit.
        coverage: share of the held-out answers that would be routed.
        error: share of wrong answers among these; None where there are none.
        held_out: number of held-out answers all this was measured on.
        confidence: with which the error of routed tickets like the held-out ones is at most
            ``error_target``; None where the threshold promises nothing.
        error_bound: upper confidence bound of ``error``; None as before.
        needed: held-out answers that a promise needs at least, where all is held back for want of
            them; None otherwise.
        no_unit: when a ticket belongs to no unit; None where that is never asked.
        sets: conformal sets, by level.
    """

    temperature: Finite = Field(gt=0)
    threshold: Finite = Field(ge=0)
    error_target: Share
    coverage: Share
    error: Share | None
    held_out: int = Field(ge=0)
    confidence: Share | None = None
    error_bound: Share | None = None
    needed: int | None = None
    no_unit: NoUnit | None = None
    sets: tuple[ConformalSet, ...] = ()


class TrainingFacts(_Part):
    """What the version was trained on and with."""

    samples: int = Field(ge=0)
    seed: int
    settings: dict[str, JsonValue]
    data_sha256: str


class BaseReference(_Part):
    """The base that an LLM was trained on."""

    name: str
    sha256: str


class Lineage(_Part):
    """Where a version comes from.

    Parameters:
        base: an LLM's base; None for other kinds.
        snapshot: sha256 of the snapshot that it learned; None where it learned files alone.
        parent: the version that was champion when it was trained; None where there was none.
        recipe_sha256: over the training's ``settings``: two versions of one recipe have the same.
        paidan: version of the Paidan that trained it.
        commit: of the checkout that trained it, with ``-dirty`` where files were changed; None for
            an installed one.
        run: id of the training run that made it; None for a command.
    """

    base: BaseReference | None
    snapshot: str | None
    parent: str | None
    recipe_sha256: str
    paidan: str
    commit: str | None
    run: int | None


class Manifest(_Part):
    """The contents of ``manifest.json``.

    Parameters:
        format: version of this layout.
        name: the version's, and its directory's.
        kind: which classifier reads it ("linear", "constant", …).
        units: the learned units, in class order.
        taxonomy_sha256: ``taxonomy_digest`` of all units there were at training.
        metrics: held-out measurements, by name.
        lineage: where it comes from; None of versions made before that was kept.
        files: sha256 (hex) of every other file, by its path in the directory.
    """

    format: int = FORMAT
    name: str
    kind: str
    created_at: AwareDatetime
    units: tuple[LearnedUnit, ...] = Field(min_length=1)
    taxonomy_sha256: str
    calibration: Calibration
    metrics: dict[str, JsonValue]
    training: TrainingFacts
    lineage: Lineage | None = None
    files: dict[FileName, str] = Field(default_factory=dict)

    @property
    def codes(self) -> tuple[str, ...]:
        """The learned units' codes, in class order."""
        return tuple(unit.code for unit in self.units)

    @classmethod
    def parse(cls, path: Path, content: bytes) -> Self:
        """Return the manifest that a file holds.

        Args:
            path: the file, for errors.
            content: its bytes.

        Raises:
            ModelVersionError: it is malformed, of another format, or lists a unit twice.
        """
        try:
            data = parse_json(content)
        except ValueError as error:
            raise damaged(path, f"not JSON ({error})") from error
        found = data.get("format") if isinstance(data, dict) else None
        if found != FORMAT:
            raise ModelVersionError(
                f"{path} has format {found!r}, this Paidan reads {FORMAT}: use the Paidan that "
                "wrote it, or train again: paidan train"
            )
        try:
            manifest = cls.model_validate(data)
        except ValidationError as error:
            raise damaged(path, f"not a manifest ({problems(error)})") from error
        if len(set(manifest.codes)) < len(manifest.codes):
            raise damaged(path, "lists a unit twice")
        return manifest


def taxonomy_digest(units: Mapping[str, str]) -> str:
    """Return the sha256 (hex) over all units' codes and names, in the order of their codes."""
    lines = (json.dumps([code, units[code]]) + "\n" for code in sorted(units))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def damaged(path: Path, problem: str) -> ModelVersionError:
    """Return the error for a file whose content is not what its kind needs.

    Of the problem's words, which may quote the file, it tells the first on one line.
    """
    return ModelVersionError(f"{path}: {_shown(problem)}: {CURE}")


def problems(error: ValidationError) -> str:
    """Return what a file's content lacks or has too much: the first few, by their places."""
    found = error.errors(include_url=False, include_input=False)
    shown = [": ".join(filter(None, (_place(one["loc"]), one["msg"]))) for one in found[:_SHOWN]]
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return _shown("; ".join(shown)) + more


def _place(parts: Iterable[object]) -> str:
    return ".".join(map(str, parts))


def _shown(words: str) -> str:
    """Return words that may quote a file on one line, cut where they are too many."""
    plain = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in words)
    return plain if len(plain) <= _MAX_WORDS_CHARS else f"{plain[:_MAX_WORDS_CHARS]}…"
