r"""Speed, memory and loss of an adapter's training: the recipe's way, the fast path, and relatives.

    python -m bench.training --base DIRECTORY --tickets FILE.jsonl --units FILE.json \
        [--table speed | memory | precision | curves] [--rows "recipe;fast"] [--steps 12] \
        [--memory 23] [--dropout 0] [--out results.json]

The base may have random weights: speed and memory are those of its shape. Tickets have a ``text``
or ``Question`` each, and get a unit drawn at random; units are a JSON list of names. A step has 16
tickets whatever the row, and all rows learn the same samples in the same order: the article's
recipe, a head over the units beside it. Each row runs in a process of its own; with ``--out`` it is
kept as it ends and not measured again. A table, then one line of JSON.

tickets/s are 16 over the median time of a step, without the first ``--warm`` ones, which compile.
``peak`` is torch's peak of allocated memory, ``process`` what the allocator held. ``--memory`` is
what a row on the fast path may take. What a row's process says is kept in ``results.json.log``.
Where ``recipe`` and ``fast`` have run, ``curves`` is how far apart their losses are: in the mean
over all steps, and at most between means of 20.

A run of the two relatives needs ``pip install prefix-grouper``, and unsloth.
"""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from rich.console import Console
from rich.table import Table
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from bench.inference import device_name, gib, read_base, read_texts, read_units, synchronise
from bench.training_rows import ROWS, TABLES, Row
from classifier.labels.template import PromptUnit
from classifier.model.bases.base import Base
from classifier.model.bases.tokenizer import load_tokenizer
from classifier.model.device import pick_device
from training.adapter.preparation import Preparation, setup_of
from training.adapter.recipe import Recipe
from training.adapter.trainer import make_trainer
from training.progress import SILENT
from training.samples import Sample

TICKETS_A_STEP = 16
_MEANS_OF = 20
Figures = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """What all rows share.

    Parameters:
        base: the model.
        texts: of the tickets, as many as the steps take.
        units: each ticket gets one of them by chance.
        recipe: the article's, of so many steps.
        memory: GiB that a row on the fast path may take.
        warm: first steps that are not counted.
    """

    base: Base
    texts: Sequence[str]
    units: tuple[PromptUnit, ...]
    recipe: Recipe
    memory: float | None
    warm: int

    def prepared(self, recipe: Recipe) -> Preparation:
        """Return the samples for a recipe; none is held out."""
        setup = setup_of(self.base, self.units, recipe)
        pick = random.Random(1)
        known = [Sample(text, pick.choice(self.units).code) for text in self.texts]
        prompt = setup.prompt(load_tokenizer(self.base))
        return Preparation(self.base, recipe, setup, prompt, known, ())


class StepClock(TrainerCallback):
    """Takes the time at each step's end, when the device has done its work."""

    def __init__(self) -> None:
        self.marks: list[float] = []

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Take it."""
        del args, state, control
        synchronise()
        self.marks.append(time.perf_counter())


def main() -> None:
    """Run the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="a model's directory, or .json")
    parser.add_argument("--tickets", type=Path, required=True, help=".jsonl")
    parser.add_argument("--units", type=Path, required=True, help="a JSON list of names")
    parser.add_argument("--table", choices=TABLES, default="speed")
    parser.add_argument("--rows", help=f"instead of a table, with ; between: {'; '.join(ROWS)}")
    parser.add_argument("--template", default="dispatch")
    parser.add_argument("--steps", type=int, default=12, help="of 16 tickets, at least 2")
    parser.add_argument("--warm", type=int, default=4, help="first steps that are not counted")
    parser.add_argument("--rate", type=float, default=5e-5, help="learning rate")
    parser.add_argument("--dropout", type=float, default=0.05, help="of the adapter")
    parser.add_argument("--memory", type=float, help="GiB, for rows on the fast path")
    parser.add_argument("--out", type=Path, help="results so far, .json")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    options = parser.parse_args()
    bench = Bench(
        base=read_base(options.base),
        texts=read_texts(options.tickets, TICKETS_A_STEP * options.steps),
        units=read_units(options.units),
        recipe=recipe_of(options.template, options.steps, options.rate, options.dropout),
        memory=options.memory,
        warm=options.warm,
    )
    if options.row:
        print(json.dumps(measure(bench, ROWS[options.row])))
        return
    names = options.rows.split(";") if options.rows else TABLES[options.table]
    results = run_rows([name.strip() for name in names], options.out)
    show(results)
    facts = {"device": device_name(), "torch": torch.__version__, "base": options.base.name}
    facts |= {"steps": options.steps, "curves": distance(results)}
    print(json.dumps(facts | {"rows": {name: told(row) for name, row in results.items()}}))


def recipe_of(template: str, steps: int, rate: float, dropout: float) -> Recipe:
    """Return the article's recipe for so many steps, each loss told."""
    recipe = Recipe.read()
    training = {"max_steps": steps, "logging_steps": 1, "learning_rate": rate}
    return recipe.model_copy(
        update={
            "training": {**recipe.training, **training, "warmup_steps": max(1, steps // 10)},
            "lora": recipe.lora.model_copy(update={"lora_dropout": dropout}),
            "data": recipe.data.model_copy(update={"template": template}),
        }
    )


def run_rows(names: Sequence[str], out: Path | None) -> dict[str, Figures]:
    """Run each row in a process of its own, with this process' arguments."""
    results: dict[str, Figures] = {}
    if out is not None and out.exists():
        results = json.loads(out.read_text("utf-8"))
    environment = {
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
        "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
        **os.environ,
    }
    for name in names:
        if "tickets_per_s" in results.get(name, {}):
            continue
        command = [sys.executable, "-m", "bench.training", *sys.argv[1:], "--row", name]
        began = time.perf_counter()
        with _log(out) as log:
            before = log.tell()
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
            log.seek(before)
            told_by = done.stdout if done.returncode == 0 else log.read()
        lines = told_by.strip().splitlines()
        results[name] = json.loads(lines[-1]) if done.returncode == 0 else {"error": lines[-1:]}
        print(f"{name}: {time.perf_counter() - began:.0f} s, {told(results[name])}", flush=True)
        if out is not None:
            out.write_text(json.dumps(results), "utf-8")
    return {name: results[name] for name in names}


def _log(out: Path | None) -> IO[str]:
    """Return what rows' processes write to, open at its end."""
    if out is None:
        return tempfile.TemporaryFile("w+", encoding="utf-8")
    return out.with_name(f"{out.name}.log").open("a+", encoding="utf-8")


def measure(bench: Bench, row: Row) -> Figures:
    """Train the samples as a row does."""
    device, clock = pick_device(), StepClock()
    recipe = row.over(bench.recipe, bench.memory)
    prepared = bench.prepared(recipe)
    model = row.load(prepared.base, recipe, device)
    loaded = gib(torch.cuda.memory_allocated)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = make_trainer(model, prepared, Path(folder), device, SILENT)
        row.arrange(trainer)
        trainer.add_callback(clock)
        trainer.train()
    tokens = [len(sample.ids) for sample in prepared.tokens()]
    took = [after - before for before, after in zip(clock.marks, clock.marks[1:], strict=False)]
    step = statistics.median(took[min(bench.warm, len(took) - 1) :])
    return {
        "tickets_per_s": round(TICKETS_A_STEP / step, 2),
        "step_s": round(step, 4),
        "steps_s": [round(one, 3) for one in took],
        "peak_gib": gib(torch.cuda.max_memory_allocated),
        "process_gib": gib(torch.cuda.max_memory_reserved),
        "loaded_gib": loaded,
        "tokens": round(statistics.mean(tokens)),
        "prefix": len(prepared.prompt.prefix),
        "losses": [line["loss"] for line in trainer.state.log_history if "loss" in line],
    }


def distance(results: dict[str, Figures]) -> Figures:
    """Return how far apart the losses of recipe and fast path are, as shares."""
    found = {}
    for suffix in ("", ", answers"):
        rows = [results.get(f"{way}{suffix}", {}) for way in ("recipe", "fast")]
        pair: list[list[float]] = [row["losses"] for row in rows if "losses" in row]
        if len(pair) < len(rows):
            continue
        pair = [losses[: min(map(len, pair))] for losses in pair]
        apart = [abs(fast - one) / one for one, fast in zip(*pair, strict=True)]
        means = [
            [statistics.mean(losses[at : at + _MEANS_OF]) for losses in pair]
            for at in range(0, len(apart), _MEANS_OF)
        ]
        found[f"losses{suffix}"] = {
            "mean": round(statistics.mean(apart), 5),
            "most": round(max(abs(fast - one) / one for one, fast in means), 5),
        }
    return found


def told(row: Figures) -> Figures:
    """Return a row's figures with its first and last losses alone, and no step's time."""
    losses = row.get("losses")
    if losses is None:
        return row
    shown = {name: value for name, value in row.items() if name != "steps_s"}
    return shown | {"losses": [losses[0], losses[-1]]}


def show(results: dict[str, Figures]) -> None:
    """Print the table."""
    table = Table(title=device_name())
    headings = ("", "tickets/s", "to the recipe's", "s a step", "peak GiB", "process GiB", "loss")
    for heading in headings:
        table.add_column(heading)
    for name, row in results.items():
        if "error" in row:
            table.add_row(name, " ".join(row["error"])[:60])
            continue
        base = results.get("recipe, answers" if "answers" in name else "recipe", {})
        rate = base.get("tickets_per_s")
        times = f"{row['tickets_per_s'] / rate:.1f}" if rate else ""
        figures = (row[n] for n in ("step_s", "peak_gib", "process_gib"))
        loss = f"{row['losses'][0]:.3f} to {row['losses'][-1]:.3f}"
        table.add_row(name, str(row["tickets_per_s"]), times, *map(str, figures), loss)
    Console().print(table)


if __name__ == "__main__":
    main()
