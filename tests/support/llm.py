"""A trained LLM version for tests: the stand-in with an adapter that tells three units apart."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

from classifier.labels.template import PromptUnit
from classifier.linear_model import LinearWeights
from classifier.setup import SETUP, Setup
from db import Database, versions
from registry.registration import register
from registry.writer import TrainedVersion, write_version
from tests.support.make import UNITS
from tests.support.models import STANDIN
from tests.support.told import Told
from training.adapter.recipe import AnswerLosses, Recipe
from training.adapter.version import train_llm
from training.samples import Sample

THEMES = {"A": "路灯坏了，晚上看不见路", "B": "学校不让孩子报名上学", "C": "自来水管漏水，家里停水"}
RECIPE = """
[answer]
head = 0
[load]
max_seq_length = 320
[lora]
r = 8
use_gradient_checkpointing = false
[data]
template = "short"
[training]
per_device_train_batch_size = 16
gradient_accumulation_steps = 1
num_train_epochs = 4
learning_rate = 4e-3
warmup_steps = 2
logging_steps = 5
optim = "adamw_torch"
completion_only_loss = true
"""


def themed_samples(each: int = 40) -> list[Sample]:
    """Tickets of three themes from so many places each: no two are near-duplicates."""
    random = Random(7)
    return [
        Sample(f"{text} {''.join(random.choices('东西南北中山河桥路街巷里', k=8))}", code)
        for code, text in THEMES.items()
        for _ in range(each)
    ]


def prompt_units() -> list[PromptUnit]:
    return [PromptUnit(code, name) for code, name in UNITS.items()]


def recipe_with_head(**losses: float) -> Recipe:
    """The recipe with a head beside the names, or with the losses that are given."""
    answer = AnswerLosses(**{"head_learning_rate": 4e-3, **losses})
    section = "[answer]\n" + "\n".join(
        f"{n} = {json.dumps(v)}" for n, v in answer.model_dump().items()
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recipe.toml"
        file.write_text(RECIPE.replace("[answer]\nhead = 0", section))
        return Recipe.read(file)


def train_test_llm(
    folder: Path, told: Told | None = None, recipe: Recipe | None = None
) -> TrainedVersion:
    """Train an adapter in a few seconds; by default it answers by names alone."""
    folder.mkdir(parents=True, exist_ok=True)
    return train_llm(
        themed_samples(),
        prompt_units(),
        STANDIN,
        models_dir=folder,
        progress=told or Told(),
        recipe=recipe or recipe_with_head(head=0),
        error_target=1.0,
    )


def changed_copy(
    version: TrainedVersion, models_dir: Path, suffix: str, change: Callable[[Path], object]
) -> TrainedVersion:
    """Copy a version under a name of its own; ``change`` gets the copy before it is sealed."""
    path = models_dir / f"{version.name}-{suffix}"
    manifest = version.manifest.model_copy(update={"name": path.name, "files": {}})

    def write(directory: Path) -> None:
        for file in version.manifest.files:
            shutil.copy(version.path / file, directory / file)
        change(directory)

    return TrainedVersion(path, write_version(path, manifest, write))


def with_linear(
    version: TrainedVersion, models_dir: Path, linear: LinearWeights, weight: float
) -> TrainedVersion:
    """Copy a version whose head answers, and add a linear model to the head."""

    def add(directory: Path) -> None:
        setup = Setup.read(version.path, version.manifest)
        assert setup.answer is not None
        answer = setup.answer.model_copy(update={"linear_weight": weight})
        changed = setup.model_copy(update={"answer": answer})
        linear.save(directory)
        (directory / SETUP).write_text(changed.model_dump_json())

    return changed_copy(version, models_dir, "blended", add)


def promote_llm(database: Database, models_dir: Path, version: TrainedVersion) -> str:
    """Copy a trained version to where a test's worker looks, and make it the champion."""
    copied = models_dir / version.name
    if not copied.exists():
        shutil.copytree(version.path, copied)
    with database.writing() as session:
        register(session, version)
        versions.promote(session, version.name, actor="test")
    return version.name
