"""LLM versions whose weights are random: what is asked is whether others compute the same."""

from pathlib import Path

import torch
from transformers import AutoConfig

from classifier.labels.head import Head
from classifier.linear_model import LinearWeights
from classifier.manifest import LearnedUnit, Manifest
from classifier.model.adapter_file import CONFIG, WEIGHTS
from classifier.model.bases.base import Base
from classifier.model.bases.entries import BASES, add_base
from classifier.setup import SETUP, Answer, AnswerBy
from db import Database
from registry.registration import register
from registry.writer import TrainedVersion, write_version
from tests.support.adapters import random_adapter
from tests.support.llm import prompt_units, recipe_with_head
from tests.support.models import random_base
from tests.support.versions import a_manifest
from training.adapter.preparation import setup_of

TAUGHT = ("A", "B", "C")


def added_base(folder: Path, models_dir: Path, shape: str) -> Base:
    """Write a random base of a shape and enter it."""
    return add_base(str(random_base(folder / shape, shape).path), models_dir / BASES)


def random_llm(
    models_dir: Path, base: Base, by: AnswerBy = "head", linear: LinearWeights | None = None
) -> TrainedVersion:
    """Write a version on a base: a random adapter, and a random head of three units."""
    setup = setup_of(base, prompt_units(), recipe_with_head())
    answer = Answer(by=by, taught=TAUGHT, linear_weight=0.5 if linear else 0)
    setup = setup.model_copy(update={"answer": answer})
    units = tuple(LearnedUnit(code=unit.code, name=unit.name) for unit in setup.units)
    manifest: Manifest = a_manifest(f"llm-{base.name}-{by}", kind="llm", units=units)

    def write(directory: Path) -> None:
        random_adapter(base, directory)
        for file in directory.iterdir():
            if file.name not in (CONFIG, WEIGHTS):
                file.unlink()
        (directory / SETUP).write_text(setup.model_dump_json(), "utf-8")
        random_head(base).save(directory)
        if linear is not None:
            linear.save(directory)

    path = models_dir / manifest.name
    return TrainedVersion(path, write_version(path, manifest, write))


def random_head(base: Base) -> Head:
    width = AutoConfig.from_pretrained(str(base.path)).hidden_size
    generator = torch.Generator().manual_seed(3)
    weight = torch.randn(len(TAUGHT), width, generator=generator) / 10
    return Head(TAUGHT, weight, torch.randn(len(TAUGHT), generator=generator))


def entered(database: Database, version: TrainedVersion) -> str:
    with database.writing() as session:
        register(session, version)
    return version.name
