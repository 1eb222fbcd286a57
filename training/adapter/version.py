"""Trains an LLM version: an adapter on a 4-bit base, calibrated on held-out tickets."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from classifier.labels.head import HEAD
from classifier.labels.template import PromptUnit
from classifier.linear_model import LinearWeights
from classifier.llm import LlmClassifier
from classifier.manifest import BaseReference, TrainingFacts
from classifier.model.adapter_file import CONFIG, WEIGHTS
from classifier.model.bases.base import Base
from classifier.setup import SETUP, AnswerBy, Setup
from registry.lineage import UNKNOWN, Origin
from registry.writer import TrainedVersion, store_version
from training.adapter.assessment import Assessment, assess
from training.adapter.checkpoints import Checkpoints
from training.adapter.choice import check_wanted
from training.adapter.preparation import Preparation, prepare, recipe_for
from training.adapter.recipe import Recipe
from training.adapter.scoring import free_memory
from training.adapter.soft.labels import soft_labels
from training.adapter.trainer import Run, fine_tune
from training.no_unit import REVIEW
from training.progress import Progress
from training.samples import Sample, data_sha256


def train_llm(
    samples: Sequence[Sample],
    units: Sequence[PromptUnit],
    base: Base,
    *,
    models_dir: Path,
    progress: Progress,
    recipe: Recipe | None = None,
    error_target: float = 0.05,
    no_unit_review: float = REVIEW,
    answer: AnswerBy | None = None,
    held_out: Sequence[Sample] | None = None,
    teachers: Path | None = None,
    origin: Origin = UNKNOWN,
    checkpoints: Checkpoints | None = None,
) -> TrainedVersion:
    """Fine-tune, evaluate, calibrate and write an LLM version.

    Args:
        samples: the training data; a part of it is held out.
        units: all active units: the prompt lists them, and each can be answered.
        base: the base model.
        models_dir: the folder of all versions.
        progress: is told what happens.
        recipe: the settings; by default those of the base.
        error_target: share of wrong answers to accept among those not held back, 0 to 1.
        no_unit_review: share of tickets of learned units that ``no_unit`` may hold back, 0 to 1.
        answer: by what the version answers; by default what the held-out tickets say is better.
        held_out: samples to hold out instead of a part of ``samples``; they share no group of
            near-duplicates with these.
        teachers: the folder of the version that teaches, where the recipe names one; ``models_dir``
            by default.
        origin: what started the training.
        checkpoints: of a training that may be interrupted; see ``fine_tune``.

    Raises:
        InputError, TaxonomyError: see ``check_samples``; or the set-up leaves a ticket no room, or
            the recipe does not learn to answer as asked.
        ModelVersionError: the base was changed.
        StorageError: the version cannot be written.
    """
    recipe = recipe or recipe_for(base)
    check_wanted(recipe.answer, answer)
    prepared = prepare(samples, units, base, recipe, progress, held_out)
    prepared = _taught(prepared, teachers or models_dir, progress)
    with tempfile.TemporaryDirectory(prefix="paidan-adapter-") as folder:
        adapter_dir = Path(folder)
        run = fine_tune(prepared, adapter_dir, progress, checkpoints)
        free_memory()  # what trained is gone; what serves needs the room
        progress.say(f"trained {run.steps} steps in {run.seconds:.0f} s; scoring the held-out")
        found = assess(prepared, adapter_dir, error_target, no_unit_review, answer, progress)
        facts = _facts(prepared, run, data_sha256(samples))
        version = _store(models_dir, prepared, adapter_dir, found, facts, run, origin)
    progress.say(f"wrote {version.path}")
    return version


def _taught(prepared: Preparation, versions: Path, progress: Progress) -> Preparation:
    """Return what is prepared, with soft labels where the recipe names who teaches."""
    soft = soft_labels(
        prepared.recipe.soft,
        prepared.known,
        prepared.taught,
        [unit.code for unit in prepared.setup.units],
        versions,
        progress,
    )
    free_memory()  # of the teacher
    return replace(prepared, soft=soft)


def _facts(prepared: Preparation, run: Run, data: str) -> TrainingFacts:
    recipe = prepared.recipe
    return TrainingFacts(
        samples=len(prepared.known),
        seed=int(recipe.training["seed"]),
        settings=json.loads(recipe.model_dump_json()) | {"through": run.through},
        data_sha256=data,
    )


def _store(
    models_dir: Path,
    prepared: Preparation,
    adapter_dir: Path,
    found: Assessment,
    facts: TrainingFacts,
    run: Run,
    origin: Origin,
) -> TrainedVersion:
    setup = prepared.setup.model_copy(update={"answer": found.answer})
    return store_version(
        models_dir,
        LlmClassifier.kind,
        [unit.code for unit in setup.units],
        {unit.code: unit.name for unit in setup.units},
        calibration=found.calibration,
        metrics={**found.metrics, "loss": run.loss, "seconds": run.seconds},
        training=facts,
        origin=origin,
        base=BaseReference(name=setup.base, sha256=setup.base_sha256),
        write_files=lambda directory: write_files(directory, adapter_dir, setup, found.linear),
    )


def write_files(
    directory: Path, adapter_dir: Path, setup: Setup, linear: LinearWeights | None = None
) -> None:
    """Write what a version holds: the adapter as peft saved it, a head if any, and the set-up.

    A linear model is written where its scores are added to the head's.
    """
    if linear is not None and setup.answer is not None and setup.answer.linear_weight:
        linear.save(directory)
    for name in (CONFIG, WEIGHTS, HEAD):
        if name != HEAD or (adapter_dir / name).exists():
            shutil.copy(adapter_dir / name, directory / name)
    (directory / SETUP).write_text(setup.model_dump_json(indent=2) + "\n", "utf-8")
