"""Trains an LLM version: an adapter on a 4-bit base, calibrated on held-out tickets."""

import gc
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray

import training.adapter.unsloth_first  # noqa: F401  # isort: split
from classifier.calibration import fit_temperature
from classifier.engine.engine import Engine
from classifier.fp8_gate import FP8_AGREEMENT
from classifier.labels.prompt import Prompt
from classifier.labels.template import PromptUnit, load_template
from classifier.labels.trie import LabelTrie
from classifier.llm import LlmClassifier
from classifier.manifest import TrainingFacts
from classifier.model.adapter_file import CONFIG, WEIGHTS, parse_adapter
from classifier.model.backbone import load_backbone
from classifier.model.bases.base import Base
from classifier.model.bases.files import RECIPE
from classifier.model.bases.tokenizer import load_tokenizer
from classifier.model.mode import Mode
from classifier.setup import SETUP, Setup
from core.errors import PaidanError
from registry.writer import TrainedVersion, store_version
from training.adapter.recipe import Recipe
from training.adapter.trainer import Progress, Tokens, fine_tune
from training.held_out import calibrate, measure
from training.samples import Sample, check_samples, data_sha256

# Held-out answers that are scored over all units: enough for a temperature and a threshold.
MAX_HELD_OUT = 1_000


def recipe_for(base: Base, file: Path | None = None) -> Recipe:
    """Return the recipe: the defaults, what the base brings, what a file says, in this order.

    Raises:
        InputError: a file is malformed.
    """
    own = base.path / RECIPE
    files = [own] if own.is_file() else []
    return Recipe.read(*files, *([file] if file else []))


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
    recipe = recipe or recipe_for(base)
    names = {unit.code: unit.name for unit in units}
    check_samples(samples, names)
    base.check()
    setup = setup_of(base, units, recipe)
    prompt = setup.prompt(load_tokenizer(base))
    LabelTrie(prompt.labels, prompt.tokenizer.eos_token_id)  # refuses names that look alike
    progress.say(f"base {base.name}: {prompt.counts}")
    known, held_out = _split(samples, recipe)
    progress.say(f"{len(known):,} tickets to learn from, {len(held_out):,} held out")
    with tempfile.TemporaryDirectory(prefix="paidan-adapter-") as folder:
        run = fine_tune(base, _tokenise(prompt, known, recipe), recipe, Path(folder), progress)
        _free_memory()  # what trained is gone; what serves needs the room
        progress.say(f"trained {run.steps} steps in {run.seconds:.0f} s; scoring the held-out")
        scored = held_out[:MAX_HELD_OUT]
        logits, labels = _score(base, setup, Path(folder), scored)
        metrics = measure(logits, labels) | {"loss": run.loss, "seconds": run.seconds}
        if torch.cuda.is_available() and scored:
            metrics |= _compare_fp8(base, setup, Path(folder), scored, logits, progress)
        version = store_version(
            models_dir,
            LlmClassifier.kind,
            [unit.code for unit in setup.units],
            names,
            calibration=calibrate(logits, labels, fit_temperature(logits, labels), error_target),
            metrics=metrics,
            training=TrainingFacts(
                samples=len(known),
                seed=int(recipe.training["seed"]),
                settings=json.loads(recipe.model_dump_json()) | {"through": run.through},
                data_sha256=data_sha256(samples),
            ),
            write_files=lambda directory: write_files(directory, Path(folder), setup),
        )
    progress.say(f"wrote {version.path}")
    return version


def setup_of(base: Base, units: Sequence[PromptUnit], recipe: Recipe) -> Setup:
    """Return the set-up that a recipe gives a version."""
    return Setup(
        base=base.name,
        base_sha256=base.sha256,
        tokenizer_sha256=base.tokenizer_sha256,
        template=load_template(recipe.data.template).text,
        units=tuple(sorted(units, key=lambda unit: unit.code)),
        max_seq_length=recipe.load.max_seq_length,
        max_prefix_length=recipe.data.max_prefix_length,
    )


def _split(samples: Sequence[Sample], recipe: Recipe) -> tuple[list[Sample], list[Sample]]:
    """Hold a part out, the article's way, whatever the order the samples come in."""
    ordered = sorted(samples, key=lambda sample: (sample.unit, sample.text))
    numbers = Dataset.from_dict({"number": list(range(len(ordered)))})
    parts = numbers.train_test_split(test_size=recipe.data.test_size, seed=recipe.data.seed)
    known, held_out = ([ordered[n] for n in parts[part]["number"]] for part in ("train", "test"))
    return known, held_out


def _tokenise(prompt: Prompt, samples: Sequence[Sample], recipe: Recipe) -> list[Tokens]:
    tickets = prompt.tickets([sample.text for sample in samples])
    return [
        Tokens(*prompt.sample(ids, sample.thought if recipe.data.thoughts else "", sample.unit))
        for ids, sample in zip(tickets, samples, strict=True)
    ]


def _free_memory() -> None:
    """Give back what nothing refers to any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _compare_fp8(
    base: Base,
    setup: Setup,
    adapter_dir: Path,
    samples: Sequence[Sample],
    logits: NDArray[np.float64],
    progress: Progress,
) -> dict[str, float]:
    """Return how often fp8 answers as nf4, whose scores are ``logits``; nothing without fp8."""
    _free_memory()
    try:
        rounded, _ = _score(base, setup, adapter_dir, samples, "fp8")
    except (PaidanError, RuntimeError) as error:  # no reason to lose what was trained
        progress.say(f"not compared in fp8: {error}")
        return {}
    return {FP8_AGREEMENT: float((rounded.argmax(axis=1) == logits.argmax(axis=1)).mean())}


def _score(
    base: Base, setup: Setup, adapter_dir: Path, samples: Sequence[Sample], mode: Mode = "nf4"
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return (n, units) scores of held-out tickets as serving computes them, and their labels."""
    backbone = load_backbone(base, mode)
    config, weights = ((adapter_dir / name).read_bytes() for name in (CONFIG, WEIGHTS))
    adapter = parse_adapter(adapter_dir, config, weights, backbone.model)
    engine = Engine(backbone, adapter, setup.prompt(backbone.tokenizer))
    codes = [unit.code for unit in setup.units]
    found = engine.scores([sample.text for sample in samples])
    scores = [[one[code] for code in codes] for one in found]
    numbers = {code: number for number, code in enumerate(codes)}
    labels = np.array([numbers[sample.unit] for sample in samples], dtype=np.int64)
    return np.array(scores, dtype=np.float64).reshape(len(samples), len(codes)), labels


def write_files(directory: Path, adapter_dir: Path, setup: Setup) -> None:
    """Write what a version holds: the adapter as peft saved it, and the set-up."""
    for name in (CONFIG, WEIGHTS):
        shutil.copy(adapter_dir / name, directory / name)
    (directory / SETUP).write_text(setup.model_dump_json(indent=2) + "\n", "utf-8")
