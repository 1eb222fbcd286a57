"""Trains a version of any kind, with its progress on standard error."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

from core.errors import StorageError
from core.settings import Settings
from paidan.cli.options import hint_of_missing

if TYPE_CHECKING:
    from classifier.setup import AnswerBy
    from db.taxonomy import UnitRecord
    from registry.writer import TrainedVersion
    from training.samples import Sample

KINDS = ("linear", "llm", "constant")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be trained.

    Parameters:
        kind: one of ``KINDS``.
        base: the name of an LLM's base model, None for the one that was added.
        recipe: a TOML file over the base's recipe.
        error_target: share of wrong answers to accept among those not held back, 0 to 1.
        no_unit_review: share of tickets of learned units to hold back as of no unit, 0 to 1.
        answer: what an LLM answers by; None for what is better.
        parent: the champion now, for the version's lineage.
    """

    kind: str
    base: str | None = None
    recipe: Path | None = None
    error_target: float = 0.05
    no_unit_review: float = 0.05
    answer: "AnswerBy | None" = None
    parent: str | None = None


def train_version(
    settings: Settings, samples: "Sequence[Sample]", units: "Sequence[UnitRecord]", wanted: Wanted
) -> "TrainedVersion":
    """Train a version and write it; see ``training`` for what each kind raises.

    Raises:
        StorageError: a disk was full where the training works, whatever library met it.
    """
    from training.runs.shortage import is_of_a_full_disk

    try:
        return _train(settings, samples, units, wanted)
    except Exception as error:
        if not is_of_a_full_disk(error):
            raise
        raise StorageError(
            f"the disk is full, or a file may not grow: a training works in {gettempdir()} and "
            f"writes to {settings.resolved_models_dir}. Free space there, or set TMPDIR and "
            "PAIDAN_MODELS_DIR to folders with more room"
        ) from error


def _train(
    settings: Settings, samples: "Sequence[Sample]", units: "Sequence[UnitRecord]", wanted: Wanted
) -> "TrainedVersion":
    if wanted.kind != "constant":
        _tell_suspects(samples)
    if wanted.kind == "llm":
        return _train_llm(settings, samples, units, wanted)
    from paidan.progress.training import TrainingProgress
    from registry.lineage import Origin
    from training.constant import train_constant
    from training.linear.version import train_linear

    names = {unit.code: unit.name for unit in units}
    folder, target = settings.resolved_models_dir, wanted.error_target
    origin = Origin(parent=wanted.parent)
    with TrainingProgress() as progress:
        if wanted.kind == "constant":
            return train_constant(
                samples,
                names,
                models_dir=folder,
                error_target=target,
                progress=progress,
                origin=origin,
            )
        return train_linear(
            samples,
            names,
            models_dir=folder,
            error_target=target,
            no_unit_review=wanted.no_unit_review,
            progress=progress,
            origin=origin,
        )


def _tell_suspects(samples: "Sequence[Sample]") -> None:
    """Say how many labels look wrong, where a look takes a minute at most."""
    from paidan.progress.training import TrainingProgress

    with hint_of_missing("linear"):
        from training.suspects import quick_suspects

    with TrainingProgress() as progress:
        found = quick_suspects(samples, progress)
        if found is not None:
            count = sum(one.confident for one in found)
            progress.say(
                f"{count:,} of {len(samples):,} labels look wrong; none is left out for it: "
                "'paidan data suspects' lists them"
            )


def _train_llm(
    settings: Settings, samples: "Sequence[Sample]", units: "Sequence[UnitRecord]", wanted: Wanted
) -> "TrainedVersion":
    from classifier.labels.template import PromptUnit
    from classifier.model.bases.entries import BASES, find_base, only_base
    from paidan.progress.training import TrainingProgress
    from registry.lineage import Origin

    with hint_of_missing("ml"):
        from training.adapter.preparation import recipe_for
        from training.adapter.version import train_llm

    bases_dir = settings.resolved_models_dir / BASES
    base = find_base(wanted.base, bases_dir) if wanted.base else only_base(bases_dir)
    with TrainingProgress() as progress:
        return train_llm(
            samples,
            [PromptUnit(unit.code, unit.name, unit.responsibilities) for unit in units],
            base,
            models_dir=settings.resolved_models_dir,
            progress=progress,
            recipe=recipe_for(base, wanted.recipe),
            error_target=wanted.error_target,
            answer=wanted.answer,
            no_unit_review=wanted.no_unit_review,
            origin=Origin(parent=wanted.parent),
        )
