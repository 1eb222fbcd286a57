"""Trains an LLM version: an adapter on a 4-bit base, calibrated on held-out tickets."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from classifier.labels.head import HEAD
from classifier.labels.template import PromptUnit
from classifier.llm import LlmClassifier
from classifier.manifest import Calibration, TrainingFacts
from classifier.model.adapter_file import CONFIG, WEIGHTS
from classifier.model.bases.base import Base
from classifier.setup import SETUP, Answer, Setup
from registry.writer import TrainedVersion, store_version
from training.adapter.preparation import Preparation, prepare, recipe_for
from training.adapter.recipe import Recipe
from training.adapter.scoring import compare_fp8, free_memory, score
from training.adapter.trainer import Run, fine_tune
from training.held_out import HeldOut, calibrate, measure
from training.progress import Progress
from training.promise import promise_line
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

    Raises:
        InputError, TaxonomyError: see ``check_samples``; or the set-up leaves a ticket no room.
        ModelVersionError: the base was changed.
        StorageError: the version cannot be written.
    """
    prepared = prepare(samples, units, base, recipe or recipe_for(base), progress)
    with tempfile.TemporaryDirectory(prefix="paidan-adapter-") as folder:
        adapter_dir = Path(folder)
        run = fine_tune(prepared, adapter_dir, progress)
        free_memory()  # what trained is gone; what serves needs the room
        progress.say(f"trained {run.steps} steps in {run.seconds:.0f} s; scoring the held-out")
        scores, labels = score(prepared, adapter_dir)
        metrics = measure(scores, labels) | {"loss": run.loss, "seconds": run.seconds}
        metrics |= compare_fp8(prepared, adapter_dir, scores, progress)
        calibration = calibrate(HeldOut(scores, labels, prepared.groups), error_target)
        progress.say(promise_line(calibration))
        facts = _facts(prepared, run, data_sha256(samples))
        answer = Answer(by="names", taught=prepared.taught)
        setup = prepared.setup.model_copy(update={"answer": answer})
        version = _store(models_dir, setup, adapter_dir, calibration, metrics, facts)
    progress.say(f"wrote {version.path}")
    return version


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
    setup: Setup,
    adapter_dir: Path,
    calibration: Calibration,
    metrics: Mapping[str, JsonValue],
    facts: TrainingFacts,
) -> TrainedVersion:
    return store_version(
        models_dir,
        LlmClassifier.kind,
        [unit.code for unit in setup.units],
        {unit.code: unit.name for unit in setup.units},
        calibration=calibration,
        metrics=metrics,
        training=facts,
        write_files=lambda directory: write_files(directory, adapter_dir, setup),
    )


def write_files(directory: Path, adapter_dir: Path, setup: Setup) -> None:
    """Write what a version holds: the adapter as peft saved it, a head if any, and the set-up."""
    for name in (CONFIG, WEIGHTS, HEAD):
        if name != HEAD or (adapter_dir / name).exists():
            shutil.copy(adapter_dir / name, directory / name)
    (directory / SETUP).write_text(setup.model_dump_json(indent=2) + "\n", "utf-8")
