"""A student that a teacher softens labels for beats the same student without, where labels err."""

from dataclasses import replace
from pathlib import Path
from random import Random

from registry.writer import TrainedVersion
from tests.support.llm import prompt_units, recipe_with_head, themed_samples
from tests.support.make import UNITS
from tests.support.models import STANDIN
from tests.support.told import Told
from training.adapter.recipe import Recipe
from training.adapter.soft.settings import Soft
from training.adapter.version import train_llm
from training.linear.version import train_linear
from training.samples import Sample

LEARNED, JUDGED, WRONG = 16, 20, 0.3
"""Tickets of each unit; the share of labels that are drawn to be wrong: it came to 14 of 48."""
GAIN = 0.1


def few_tickets_with_wrong_labels() -> tuple[list[Sample], list[Sample]]:
    """Tickets to learn, and others whose labels are right."""
    random = Random(5)
    samples = themed_samples(LEARNED + JUDGED)
    parts: tuple[list[Sample], list[Sample]] = ([], [])
    for first in range(0, len(samples), LEARNED + JUDGED):
        of_unit = samples[first : first + LEARNED + JUDGED]
        parts[0].extend(of_unit[:LEARNED])
        parts[1].extend(of_unit[LEARNED:])
    return [_mislabelled(one, random) for one in parts[0]], parts[1]


def _mislabelled(sample: Sample, random: Random) -> Sample:
    others = [code for code in "ABC" if code != sample.unit]
    other = random.choice(others)
    return replace(sample, unit=other) if random.random() < WRONG else sample


def student(folder: Path, soft: Soft, told: Told) -> TrainedVersion:
    """Train a head on the tickets, and measure it on the others."""
    learned, judged = few_tickets_with_wrong_labels()
    recipe: Recipe = recipe_with_head(names=0, blend_cost=0)
    training = recipe.training | {"num_train_epochs": 6}
    return train_llm(
        learned,
        prompt_units(),
        STANDIN,
        models_dir=folder / "students",
        progress=told,
        recipe=recipe.model_copy(update={"training": training, "soft": soft}),
        error_target=1.0,
        held_out=judged,
        teachers=folder,
    )


def accuracy(version: TrainedVersion) -> float:
    found = version.manifest.metrics["accuracy"]
    assert isinstance(found, float)
    return found


def test_of_few_tickets_with_wrong_labels_a_taught_student_learns_more(tmp_path: Path) -> None:
    # Given a linear teacher of the very same tickets, wrong labels and all
    learned, _ = few_tickets_with_wrong_labels()
    teacher = train_linear(learned, UNITS, models_dir=tmp_path, error_target=1.0)
    told = Told()

    # When students learn the labels alone, or nine tenths of what it says out of fold
    alone = student(tmp_path, Soft(), Told())
    taught = student(tmp_path, Soft(version=teacher.name, weight=0.9), told)

    assert accuracy(taught) >= accuracy(alone) + GAIN
    assert any(f"soft labels by {teacher.name}: 48 of 48 tickets" in line for line in told.lines)
    assert taught.manifest.training.settings["soft"] == {
        "version": teacher.name,
        "file": None,
        "weight": 0.9,
        "temperature": 1.0,
        "missing": "refuse",
    }
