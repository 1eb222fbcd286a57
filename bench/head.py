r"""What a head over the units is worth beside their names: trained by the product, on a real base.

    python -m bench.head --base DIRECTORY --data DIRECTORY [--recipe FILE.toml] [--seeds 1,2,3] \
        [--tickets N] [--passes 3]

``--base`` is what ``paidan base add`` takes, ``--data`` banking77's directory, or another set that
``bench.samples`` reads. For each seed ``train_llm`` learns the train part, but for the tenth that
it holds out; the test part is answered by the head, by the names and by the head with a linear
model's scores added (``blend``), whichever the version chose. That linear model learned what the
head did; the linear version, with which all are compared, learns the whole train part. A unit's
name is its code with spaces. ``--tickets`` takes so many of each part, to try the way out.

Measured on the test part: accuracy, expected calibration error over 15 bins, negative
log-likelihood, area under the risk-coverage curve; accuracy less the linear version's, with the
paired 95 % interval; tickets/s through ``LlmClassifier`` in batches of 256; minutes of training and
the GPU's peak memory in it, all that training itself measures included. A table, then one line of
JSON.
"""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from bench.head_measures import Figures, Part, Right, answering, tickets_per_s
from bench.samples import read_part
from classifier.blend import Blend
from classifier.labels.template import PromptUnit
from classifier.linear_model import LinearWeights
from classifier.model.bases.base import Base
from classifier.model.bases.entries import BASES, add_base
from classifier.setup import AnswerBy, Setup
from db.run_points import Point
from registry.writer import TrainedVersion
from training.adapter.preparation import recipe_for, split
from training.adapter.recipe import Recipe
from training.adapter.version import train_llm
from training.linear.version import fit_linear, train_linear
from training.samples import Sample

COLUMNS = {
    "by": "answered by",
    "seed": "seed",
    "chosen": "chosen",
    "accuracy": "accuracy",
    "calibration_error": "ECE",
    "nll": "NLL",
    "aurc": "AURC",
    "gain": "over linear",
    "gain_low": "from",
    "gain_high": "to",
    "tickets_per_s": "tickets/s",
    "minutes": "min",
    "peak_gib": "peak GiB",
}


def main() -> None:
    """Train and measure, seed by seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipe", type=Path, help="over the base's own")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--tickets", type=int, help="of each part, at most")
    parser.add_argument("--passes", type=int, default=3, help="over the test part, for its speed")
    options = parser.parse_args()
    train, test = (read_part(options.data, part)[: options.tickets] for part in ("train", "test"))
    taught = {sample.unit for sample in train}
    part = Part([sample for sample in test if sample.unit in taught], sorted(taught))
    with tempfile.TemporaryDirectory(prefix="paidan-head-") as folder:
        models_dir = Path(folder)
        base = add_base(str(options.base), models_dir / BASES)
        found = measure_linear(train, part, models_dir)
        rows, by_linear = [found[0]], found[1]
        right: dict[str, list[Right]] = {}
        for seed in map(int, options.seeds.split(",")):
            recipe = seeded(recipe_for(base, options.recipe), seed)
            for row, answered in measure_llm(train, part, base, recipe, models_dir, options.passes):
                rows.append({**row, "seed": seed, **part.gain(answered.astype(float), by_linear)})
                right.setdefault(str(row["by"]), []).append(answered)
                print(json.dumps(rows[-1]), flush=True)
    means = {by: summary(part, by, rows, some, by_linear) for by, some in right.items()}
    print_table([*rows, *means.values()])
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    print(json.dumps({"data": options.data.name, "device": device, "rows": rows, "means": means}))


def measure_linear(train: Sequence[Sample], part: Part, models_dir: Path) -> tuple[Figures, Right]:
    """Train the linear version and return its figures, and which answers are right."""
    began = time.perf_counter()
    version = train_linear(train, {unit: unit for unit in part.units}, models_dir=models_dir)
    minutes = (time.perf_counter() - began) / 60
    logits = LinearWeights.load(version.path, version.manifest).logits(part.texts)
    temperature = version.manifest.calibration.temperature
    figures, right = part.measured(logits, version.manifest.codes, temperature)
    return {"by": "linear", **figures, "minutes": minutes}, right


def measure_llm(
    train: Sequence[Sample],
    part: Part,
    base: Base,
    recipe: Recipe,
    models_dir: Path,
    passes: int,
) -> list[tuple[Figures, Right]]:
    """Train a version; return the figures of each way it learned to answer, and what is right."""
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    units = [PromptUnit(unit, unit.replace("_", " ")) for unit in part.units]
    version = train_llm(train, units, base, models_dir=models_dir, progress=Lines(), recipe=recipe)
    shared: Figures = {
        "minutes": (time.perf_counter() - began) / 60,
        "peak_gib": torch.cuda.max_memory_allocated() / 2**30 if on_gpu else None,
    }
    ways = [way for way in ("head", "names", "blend") if way in version.manifest.metrics]
    known, _ = split(train, recipe)
    return [_measure_way(version, way, part, passes, shared, known) for way in ways]


def _measure_way(
    version: TrainedVersion,
    way: str,
    part: Part,
    passes: int,
    shared: Figures,
    known: Sequence[Sample],
) -> tuple[Figures, Right]:
    told = version.manifest.metrics[way]
    assert isinstance(told, dict)
    by: AnswerBy = "names" if way == "names" else "head"
    blend = _blend(known, float(str(told["weight"]))) if way == "blend" else None
    classifier, _ = answering(version, by, blend)
    found = classifier.raw_scores(part.texts)
    figures, right = part.measured(found.logits, found.codes, float(str(told["temperature"])))
    speed = tickets_per_s(classifier, part, passes)
    chosen = way == _chosen(version)
    return {"by": way, "chosen": chosen, **figures, "tickets_per_s": speed, **shared}, right


def _blend(known: Sequence[Sample], weight: float) -> Blend:
    codes = tuple(sorted({sample.unit for sample in known}))
    return Blend(fit_linear(known), codes, weight)


def _chosen(version: TrainedVersion) -> str:
    """Return the way that the version answers by itself."""
    answer = Setup.read(version.path, version.manifest).answer
    assert answer is not None
    return "blend" if answer.linear_weight else answer.by


def seeded(recipe: Recipe, seed: int) -> Recipe:
    """Return the recipe with another seed of everything but the held-out tickets."""
    training = recipe.training | {"seed": seed}
    lora = recipe.lora.model_copy(update={"random_state": seed})
    return recipe.model_copy(update={"training": training, "lora": lora})


def summary(
    part: Part, by: str, rows: Sequence[Figures], right: Sequence[Right], by_linear: Right
) -> Figures:
    """Return the means over the seeds, with the interval of their mean answers."""
    own = [row for row in rows if row["by"] == by]
    means: Figures = {
        name: float(np.mean([float(str(row[name])) for row in own]))
        for name in COLUMNS
        if name not in ("by", "seed", "chosen") and own[0].get(name) is not None
    }
    return {"by": f"{by}, mean", **means, **part.gain(np.mean(right, axis=0), by_linear)}


class Lines:
    """A ``Progress`` that prints lines."""

    def say(self, line: str) -> None:
        """Print a line."""
        print(line, flush=True)

    def step(self, step: int, steps: int, loss: float | None) -> None:
        """Take how far the training is."""

    def measured(self, point: Point) -> None:
        """Take a point of the curves."""


def print_table(rows: Sequence[Figures]) -> None:
    """Print the figures."""
    table = Table(*COLUMNS.values(), title="answers to the test part")
    for row in rows:
        table.add_row(*(_shown(row.get(name)) for name in COLUMNS))
    Console(width=160).print(table)


def _shown(value: float | str | bool | None) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
