"""Model versions for tests of the directory and of the registry around them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from classifier.manifest import (
    MANIFEST,
    Calibration,
    LearnedUnit,
    Manifest,
    TrainingFacts,
    taxonomy_digest,
)
from db import Database
from registry.registration import register
from registry.writer import write_version
from tests.support.make import UNITS
from training.constant import train_constant
from training.samples import Sample

NAME = "toy-20261123-201530-ab12cd"
CALIBRATION = Calibration(
    temperature=1.5, threshold=0.7, error_target=0.05, coverage=0.8, error=0.04, held_out=9
)
TRAINING = TrainingFacts(samples=9, seed=1, settings={"c": 30.0}, data_sha256="00")


def a_manifest(name: str = NAME, **values: Any) -> Manifest:
    """A manifest of no real kind, whose ``files`` are not known yet."""
    manifest = Manifest(
        name=name,
        kind="toy",
        created_at=datetime(2026, 11, 23, 20, 15, 30, tzinfo=UTC),
        units=(LearnedUnit(code="A", name="甲局"), LearnedUnit(code="B", name="乙局")),
        taxonomy_sha256=taxonomy_digest({"A": "甲局", "B": "乙局"}),
        calibration=CALIBRATION,
        metrics={"accuracy": 0.9},
        training=TRAINING,
    )
    return manifest.model_copy(update=values)


def write_toy_files(directory: Path) -> None:
    (directory / "weights").write_bytes(b"\x00\x01")
    (directory / "deep").mkdir()
    (directory / "deep" / "words.txt").write_text("词", encoding="utf-8")


def write_toy_version(folder: Path) -> Path:
    """Write a version called ``NAME`` into a folder and return its directory."""
    write_version(folder / NAME, a_manifest(), write_toy_files)
    return folder / NAME


def rewrite_manifest(version: Path, **fields: object) -> None:
    """Change a written version's manifest."""
    data = json.loads((version / MANIFEST).read_text(encoding="utf-8"))
    (version / MANIFEST).write_text(json.dumps({**data, **fields}), encoding="utf-8")


def register_constant(database: Database, models_dir: Path, answers: Sequence[str]) -> str:
    """Train a constant model and register it, without making it the champion."""
    samples = [Sample(f"text {n}", unit) for n, unit in enumerate(answers)]
    version = train_constant(samples, UNITS, models_dir=models_dir, error_target=1.0)
    with database.writing() as session:
        register(session, version)
    return version.name
