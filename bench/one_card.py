r"""Serving and training on one card at once: what each gets, beside what it gets alone.

    python -m bench.one_card --base DIRECTORY --tickets FILE.jsonl --units FILE.json \
        [--worker-memory 8GiB] [--training-memory 13] [--seconds 45]

Real services, as ``paidan up`` starts them: a worker that holds the base and an
untrained adapter, kept to ``--worker-memory``, and a trainer whose run of the default recipe on the
fast path is kept to ``--training-memory`` GiB. First the run trains alone; then a backlog of bulk
tickets comes that never ends, and a live ticket every two seconds; then the run is cancelled and
the worker answers alone. The base may have random weights. ``--cpu`` tries the way out.

tickets/s of the worker are committed rows over the time of their phase. Those of the training are
taken from its curves, whatever it waited for live tickets included. Memory is the GPU's as
nvidia-smi tells it, at its highest: both processes, with what CUDA itself takes. A live ticket is
timed from its submit to the committed row. A table, then one line of JSON.
"""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

import argparse
import functools
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from rich.console import Console
from rich.table import Table
from safetensors.torch import save_file
from sqlalchemy import func, select
from transformers import AutoConfig, AutoModelForCausalLM

from bench.inference import RANK, device_name, read_texts, read_units
from bench.pipeline import await_log
from bench.records import add_units
from bench.worker import TimedTickets, promoted_version, quantiles
from classifier.model.adapter_file import WEIGHTS
from classifier.model.bases.base import Base
from classifier.model.bases.entries import BASES, add_base
from core.publisher import Publisher
from core.settings import Settings
from db import Database, open_database
from db.models import Classification, Status, Ticket
from db.run_tables import RunPoint
from db.tickets import NewTicket
from paidan.embedded.stack import EmbeddedStack
from producer import Submitter

_LOAD_S = 300.0
_POLL_S = 0.2
_LIVE_S = 2.0
_AHEAD = 4_000
"""Bulk tickets that wait at least."""
_TICKETS_A_STEP = 16
_WARM_STEPS = 6
"""Steps of the training that compile."""


@dataclass
class Card:
    """The GPU's memory in use, by nvidia-smi.

    Attributes:
        peak: MiB, the highest since ``begin``.
    """

    peak: int = 0

    def begin(self) -> None:
        """Forget what was."""
        self.peak = 0

    def watch(self, ended: threading.Event) -> None:
        """Read it again and again."""
        command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
        index = os.environ.get("CUDA_VISIBLE_DEVICES")
        command += [f"--id={index}"] if index else []
        while torch.cuda.is_available() and not ended.wait(_POLL_S):
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            self.peak = max(self.peak, int(told.split()[0]))


@dataclass
class Load:
    """Tickets that come: bulk ones without end, and a live one now and then.

    Args:
        submitter: takes them.
        database: where they are counted.
        texts: theirs, over and over.
    """

    submitter: Submitter
    database: Database
    texts: Sequence[str]
    live: list[float] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def come(self, ended: threading.Event) -> None:
        """Keep bulk tickets waiting."""
        while not ended.wait(_POLL_S):
            with self.database.reading() as session:
                waiting = session.scalar(
                    select(func.count()).select_from(Ticket).where(Ticket.status == Status.QUEUED)
                )
            if (waiting or 0) < _AHEAD:
                some = zip(range(_AHEAD), itertools.cycle(self.texts), strict=False)
                self.submitter.submit(
                    [
                        NewTicket(external_id=f"bulk {next(self._numbers)}", text=text, source="b")
                        for _, text in some
                    ]
                )

    def come_live(self, ended: threading.Event) -> None:
        """Submit a live ticket every two seconds."""
        timed = TimedTickets(self.submitter, self.database)
        for text in itertools.cycle(self.texts):
            if ended.wait(_LIVE_S):
                return
            self.live += timed.submit([text])


@dataclass
class Bench:
    """What the phases share."""

    database: Database
    card: Card
    load: Load
    seconds: float
    run_id: int = 0

    def phase(self, name: str) -> dict[str, Any]:
        """Return what worker and training do from now on for some time."""
        self.card.begin()
        self.load.live.clear()
        answered, points, began = self._answered(), self._points(), time.perf_counter()
        time.sleep(self.seconds)
        took = time.perf_counter() - began
        figures = {
            "phase": name,
            "served_per_s": round((self._answered() - answered) / took, 1),
            "trained_per_s": self._trained([one for one in self._points() if one not in points]),
            "live_ms": quantiles(list(self.load.live)),
            "peak_gib": round(self.card.peak / 1024, 2),
        }
        print(json.dumps(figures), flush=True)
        return figures

    def _answered(self) -> int:
        with self.database.reading() as session:
            return session.scalar(select(func.count()).select_from(Classification)) or 0

    def _points(self) -> list[tuple[int, float]]:
        """Return the steps of the run that the record knows, with the seconds until them."""
        with self.database.reading() as session:
            wanted = select(RunPoint.step, RunPoint.seconds).where(RunPoint.run_id == self.run_id)
            rows = session.execute(wanted.order_by(RunPoint.step))
            return [(step, seconds) for step, seconds in rows]

    def _trained(self, points: list[tuple[int, float]]) -> float:
        if len(points) < 2:
            return 0.0
        (first, since), (last, until) = points[0], points[-1]
        return round(_TICKETS_A_STEP * (last - first) / (until - since), 1)

    def await_steps(self, count: int) -> None:
        """Wait until the run has trained so many steps.

        Raises:
            TimeoutError: it does not come so far.
        """
        until = time.monotonic() + _LOAD_S
        while not any(step >= count for step, _ in self._points()):
            if time.monotonic() > until:
                raise TimeoutError(f"run {self.run_id} has no step {count} after {_LOAD_S:g} s")
            time.sleep(_POLL_S)


def main() -> None:
    """Run it."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="paidan-bench-") as folder:
        settings = Settings(
            home=Path(folder),
            database_url=None,
            redis_url=None,
            gpu_memory=None if options.cpu else options.worker_memory,
        )
        phases = _phases(options, settings)
    table = Table(title=f"serving and training on one card, {device_name()}")
    for heading in phases[0]:
        table.add_column(heading)
    for phase in phases:
        table.add_row(*(str(value) for value in phase.values()))
    Console(width=160).print(table)
    facts = {"worker_memory": options.worker_memory, "training_memory": options.training_memory}
    print(json.dumps({"device": device_name(), **facts, "phases": phases}))


def _phases(options: argparse.Namespace, settings: Settings) -> list[dict[str, Any]]:
    texts, units = read_texts(options.tickets, options.texts), read_units(options.units)
    database = open_database(settings)
    add_units(database, {unit.code: unit.name for unit in units})
    base = add_base(str(options.base), settings.resolved_models_dir / BASES, "bench")
    adapter = settings.resolved_home / "adapter"
    write_untrained_adapter(base, adapter)
    promoted_version(database, settings.resolved_models_dir, base, adapter, units)
    seed, recipe = settings.resolved_home / "seed.jsonl", settings.resolved_home / "recipe.toml"
    codes = itertools.cycle(unit.code for unit in units)
    rows = (json.dumps({"text": text, "unit": next(codes)}) for text in texts)
    seed.write_text("\n".join(rows) + "\n", "utf-8")
    recipe.write_text(_recipe(options), "utf-8")
    logs = options.logs or settings.resolved_home / "logs"
    load = Load(Submitter(database, Publisher(settings), ()), database, texts)
    bench = Bench(database, Card(), load, options.seconds)
    paidan = functools.partial(_paidan, settings)
    with EmbeddedStack(settings, ["--cpu"] if options.cpu else [], logs):
        await_log(logs / "worker.log", "model loaded", _LOAD_S)
        with _meanwhile(bench.card.watch):
            asked = ["--kind", "llm", "--data", str(seed), "--recipe", str(recipe), "--json"]
            bench.run_id = json.loads(paidan("runs", "start", *asked))["run"]
            bench.await_steps(_WARM_STEPS)
            phases = [bench.phase("training alone")]
            with _meanwhile(load.come), _meanwhile(load.come_live):
                time.sleep(5)  # what the worker compiles for it is compiled
                phases.append(bench.phase("both"))
                paidan("runs", "cancel", str(bench.run_id))
                time.sleep(5)
                phases.append(bench.phase("serving alone"))
    database.engine.dispose()
    return phases


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--base", type=Path, required=True, help="a model's directory")
    parser.add_argument("--tickets", type=Path, required=True, help=".jsonl")
    parser.add_argument("--units", type=Path, required=True, help="a JSON list of names")
    parser.add_argument("--worker-memory", default="8GiB")
    parser.add_argument("--training-memory", type=float, default=13.0, help="GiB")
    parser.add_argument("--seconds", type=float, default=45.0, help="of each phase")
    parser.add_argument("--texts", type=int, default=1024, help="different texts")
    parser.add_argument("--cpu", action="store_true", help="use no GPU")
    parser.add_argument("--logs", type=Path, help="a folder for what the services say")
    return parser.parse_args()


def _recipe(options: argparse.Namespace) -> str:
    memory = "" if options.cpu else f"memory = {options.training_memory}\n"
    steps = "max_steps = 10000\nlogging_steps = 1\n"
    return f'[compute]\npath = "fast"\n{memory}[training]\n{steps}'


def write_untrained_adapter(base: Base, directory: Path) -> None:
    """Write an adapter of the default recipe's shape for a base, with small random weights."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(base.path))
        config = LoraConfig(
            r=RANK, lora_alpha=RANK, target_modules="all-linear", task_type="CAUSAL_LM"
        )
        shapes = get_peft_model_state_dict(get_peft_model(model, config))
    generator = torch.Generator().manual_seed(1)
    tensors = {
        name: torch.randn(shape.shape, generator=generator) * 0.01 for name, shape in shapes.items()
    }
    config.inference_mode = True
    config.save_pretrained(str(directory))
    save_file(tensors, directory / WEIGHTS)


def _paidan(settings: Settings, *arguments: str) -> str:
    """Run the program; return what it prints."""
    command = [sys.executable, "-m", "paidan", *arguments]
    environment = {**os.environ, **settings.as_environment()}
    told = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return told.stdout


@contextmanager
def _meanwhile(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Do something beside the block, until its end."""
    ended = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work, ended)
        try:
            yield
        finally:
            ended.set()
        done.result()


if __name__ == "__main__":
    main()
