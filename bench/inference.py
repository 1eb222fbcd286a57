r"""The LLM classifier's speed on this machine's GPU, beside the ways others would run it.

    python -m bench.inference --base DIRECTORY --tickets FILE.jsonl --units FILE.json \
        [--adapter DIRECTORY] [--count 1024] [--stages ceiling,nf4] [--out results.json]

The base may have random weights: speed and memory are those of its shape, accuracy is not. Without
an adapter one of rank 64 is drawn at random; then labels are a coin toss, and the search reads most
of them. Tickets have a ``text`` or ``Question`` each; units are a JSON list of names. Each stage
runs in a process of its own; with ``--out`` it is kept as it ends and not measured again. A table,
then one line of JSON.

A stage of the engine measures at the tickets' own lengths and cut to 120 tokens. Its tickets/s are
of the whole search of names; labels, dequantisation, adapter and packing are inside. ``head`` is
the answer by a head over the units, whose weights are random. ``share`` is 2 x (the
parameters of the linear layers) x (the tickets' own tokens) / time over the rate of an 8192-cubed
product in bfloat16. ``reading`` is the same with the tickets read and no label searched; it is
measured in turns with the head's.
"""

import argparse
import gc
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

if "loop" in sys.argv:  # unsloth wants to be imported before all others
    import training.adapter.unsloth_first  # noqa: F401
import torch
from pydantic import ByteSize, TypeAdapter
from rich.console import Console
from rich.table import Table

from classifier.engine.counts import Counts
from classifier.engine.engine import Engine
from classifier.engine.request import Question
from classifier.engine.thoughts import TOGETHER, think
from classifier.labels.head import Head
from classifier.labels.prompt import Prompt
from classifier.labels.search import Search
from classifier.labels.template import PromptUnit, load_template
from classifier.labels.trie import NO_NAMES, LabelTrie, Node
from classifier.model.adapter_file import CONFIG, WEIGHTS, parse_adapter
from classifier.model.backbone import Backbone, load_backbone
from classifier.model.bases.base import Base, examine
from classifier.model.device import pick_device
from classifier.model.lora import Adapter, LayerAdapter, lora_layers
from classifier.model.mode import Mode
from core.process import freeze_objects
from core.text import model_text

RANK = 64
CUT = 120
TOP_K = 5
THOUGHT = 128
_WARM = 64
BY_HEAD = Question(NO_NAMES, None, asks_head=True)
Figures = dict[str, Any]


@dataclass
class Bench:
    """What all stages share."""

    base: Base
    adapter: Path | None
    texts: list[str]
    units: tuple[PromptUnit, ...]
    template: str
    token_budget: int | None
    gpu_memory: int | None
    repeat: int
    ceiling: float = 0.0

    def facts(self) -> Figures:
        """Return what was measured on."""
        return {
            "device": device_name(),
            "torch": torch.__version__,
            "base": self.base.name,
            "tickets": len(self.texts),
            "units": len(self.units),
        }

    def engine(self, mode: Mode) -> Engine:
        """Load the base in a mode, with the adapter."""
        backbone = self.backbone(mode)
        prompt = self.prompt(backbone)
        return Engine(backbone, self._adapter(backbone), prompt, head=random_head(backbone, prompt))

    def backbone(self, mode: Mode) -> Backbone:
        """Load the base in a mode."""
        return load_backbone(
            self.base, mode, token_budget=self.token_budget, gpu_memory=self.gpu_memory
        )

    def prompt(self, backbone: Backbone) -> Prompt:
        """Return the prompt in a base's tokens."""
        return Prompt(backbone.tokenizer, load_template(self.template), self.units)

    def _adapter(self, backbone: Backbone) -> Adapter:
        if self.adapter is None:
            return random_adapter(backbone)
        return read_adapter(self.adapter, backbone)


def main() -> None:
    """Run the stages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="a model's directory")
    parser.add_argument(
        "--adapter", type=Path, help="a LoRA adapter's directory, as peft writes it"
    )
    parser.add_argument("--tickets", type=Path, required=True, help=".jsonl")
    parser.add_argument("--units", type=Path, required=True, help="a JSON list of names")
    parser.add_argument("--count", type=int, default=1024, help="tickets to classify")
    parser.add_argument("--template", default="dispatch")
    parser.add_argument("--token-budget", type=int, help="of one forward; default: what fits")
    parser.add_argument(
        "--gpu-memory", type=TypeAdapter(ByteSize).validate_python, help="such as 20GiB"
    )
    parser.add_argument("--repeat", type=int, default=3, help="medians of so many")
    parser.add_argument("--stages", default=",".join(STAGES), help=f"of {', '.join(STAGES)}")
    parser.add_argument("--out", type=Path, help="results so far, .json")
    options = parser.parse_args()
    bench = Bench(
        base=read_base(options.base),
        adapter=options.adapter,
        texts=read_texts(options.tickets, options.count),
        units=read_units(options.units),
        template=options.template,
        token_budget=options.token_budget,
        gpu_memory=options.gpu_memory,
        repeat=options.repeat,
    )
    stages = options.stages.split(",")
    if len(stages) > 1:
        results = run_each(stages, options.out, bench.base)
    else:
        results = read_results(options.out)
        bench.ceiling = results.get("ceiling", {}).get("tflops", 0.0)
        results[stages[0]] = STAGES[stages[0]](bench)
    told = bench.facts() | results
    if options.out:
        options.out.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
    show(results)
    print(json.dumps(told, ensure_ascii=False))


def run_each(stages: Sequence[str], out: Path | None, base: Base) -> dict[str, Figures]:
    """Run each stage that has no results yet in a process of its own; return the results."""
    with tempfile.TemporaryDirectory() as folder:
        file = out or Path(folder) / "results.json"
        known = Path(folder) / "base.json"  # its files are hashed once
        known.write_text(base.model_dump_json(), "utf-8")
        for stage in stages:
            if stage not in read_results(file):
                command = [sys.executable, "-m", "bench.inference", *sys.argv[1:]]
                command += ["--base", str(known), "--stages", stage, "--out", str(file)]
                subprocess.run(command, check=False)
        return read_results(file)


def read_results(file: Path | None) -> dict[str, Figures]:
    """Return the results of stages so far."""
    if file is None or not file.exists():
        return {}
    told = json.loads(file.read_text("utf-8"))
    return {stage: figures for stage, figures in told.items() if isinstance(figures, dict)}


def measure_ceiling(_: Bench) -> Figures:
    """The rate of an 8192-cubed product in bfloat16, TFLOP/s."""
    device = pick_device()
    size = 8192 if device.type == "cuda" else 1024
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    out = torch.empty_like(a)
    median_seconds(lambda: torch.mm(a, b, out=out), 3)  # warms up
    seconds = median_seconds(lambda: [torch.mm(a, b, out=out) for _ in range(20)], 3) / 20
    return {"tflops": round(2 * size**3 / seconds / 1e12, 2)}


def measure_mode(bench: Bench, mode: Mode) -> Figures:
    """One mode of the engine, at both lengths, and one ticket alone."""
    engine = bench.engine(mode)
    linear = sum(
        layer.in_features * layer.out_features for _, layer in lora_layers(engine.backbone.model)
    )
    root = LabelTrie(engine.prompt.labels, engine.backbone.end).restricted(
        frozenset(engine.prompt.labels)
    )
    own = engine.prompt.tickets(bench.texts)
    figures: Figures = {"resident_gib": gib(torch.cuda.memory_allocated)}
    for name, tickets in (("own", own), ("cut", [ticket[:CUT] for ticket in own])):
        figures[name] = _measure_length(bench, engine, tickets, root, linear)
    lone = [ticket[:100] for ticket in own if len(ticket) >= 100][:200]
    figures["lone_ms"] = _measure_lone(engine, lone, Question(root, TOP_K))
    figures["lone_head_ms"] = _measure_lone(engine, lone, BY_HEAD)
    figures |= {"token_budget": engine.token_budget, "process_gib": gib(_taken)}
    return figures


def _measure_length(
    bench: Bench, engine: Engine, tickets: Sequence[Sequence[int]], root: Node, linear: int
) -> Figures:
    count = len(tickets)
    tokens = sum(map(len, tickets))

    found: list[Search] = []

    def search() -> None:
        found[:] = engine.search_tokens(tickets, [root] * count, [TOP_K] * count)

    def read() -> Any:
        return engine.search_tokens(tickets, [NO_NAMES] * count, [1] * count)

    def by_head() -> Any:
        return engine.answer(engine.requests(tickets, [BY_HEAD] * count))

    few = tickets[:_WARM]
    engine.search_tokens(few, [root] * len(few), [TOP_K] * len(few))  # compiles
    freeze_objects()  # as the worker does
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    engine.counts = Counts()
    seconds = median_seconds(search, bench.repeat)
    counts, searched = replace(engine.counts), count * bench.repeat  # reading counts on
    probabilities = sorted(one.ranking()[0][1] for one in found)
    reading, heading = medians_in_turns((read, by_head), 2 * bench.repeat + 1)
    figures: Figures = {
        "tickets_per_s": round(count / seconds, 1),
        "tflops": round(2 * linear * tokens / seconds / 1e12, 1),
        "reading_tickets_per_s": round(count / reading, 1),
        "search_adds": round(seconds / reading - 1, 4),
        "head_tickets_per_s": round(count / heading, 1),
        "head_adds": round(heading / reading - 1, 4),
        "mean_tokens": round(tokens / count, 1),
        "label_nodes_per_ticket": round(counts.label_nodes / searched, 2),
        "label_tokens_per_ticket": round(counts.label_tokens / searched, 2),
        "forwards": round(counts.forwards / bench.repeat, 1),
        "peak_gib": gib(torch.cuda.max_memory_allocated),
        "probability_quartiles": [round(probabilities[count * q // 4], 5) for q in (1, 2, 3)],
    }
    if bench.ceiling:
        figures["share"] = round(figures["tflops"] / bench.ceiling, 4)
    return figures


def _measure_lone(engine: Engine, tickets: Sequence[Sequence[int]], question: Question) -> Figures:
    """Milliseconds of one ticket of 100 tokens after the other."""
    for ticket in tickets[:5]:
        engine.answer(engine.requests([ticket], [question]))
    took = []
    for ticket in tickets:
        began = time.perf_counter()
        engine.answer(engine.requests([ticket], [question]))
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return {"p50": round(statistics.median(took), 1), "p99": round(took[len(took) * 99 // 100], 1)}


def measure_swap(bench: Bench) -> Figures:
    """Another adapter takes over; its first batch beside that of a cold load."""
    texts = bench.texts[:_WARM]
    first = bench.engine("nf4")
    before = first.scores(texts)
    second = Engine(first.backbone, random_adapter(first.backbone), first.prompt)
    seconds = _switch_seconds(second)
    after = second.scores(texts)
    del first, second
    gc.collect()
    backbone = bench.backbone("nf4")
    cold = Engine(backbone, random_adapter(backbone), bench.prompt(backbone)).scores(texts)
    return {
        "switch_ms": round(seconds * 1000, 1),
        "scores": sum(map(len, after)),
        "changed": after != before,
        "equals_cold_load": after == cold,
    }


def _switch_seconds(engine: Engine) -> float:
    return median_seconds(lambda: engine.scheduler().close(), 1)


def measure_think(bench: Bench) -> Figures:
    """Thoughts about doubtful tickets: as many side by side as may be, none ended early."""
    engine = bench.engine("nf4")
    tickets = engine.prompt.to_think(engine.prompt.tickets(bench.texts[:TOGETHER]), THOUGHT)
    think(engine, tickets, 2, math.inf, ends=())  # compiles
    seconds = median_seconds(
        lambda: think(engine, tickets, THOUGHT, math.inf, ends=()), bench.repeat
    )
    thoughts = engine.counts.thoughts - len(tickets)
    tokens = engine.counts.thought_tokens - 2 * len(tickets)
    return {
        "tickets": len(tickets),
        "tokens_per_thought": round(tokens / thoughts, 1),
        "seconds": round(seconds, 3),
        "ms_per_ticket": round(seconds / len(tickets) * 1000, 1),
        "tokens_per_s": round(tokens / bench.repeat / seconds),
    }


def measure_loop(bench: Bench) -> Figures:
    """The article's way: unsloth's generate, one ticket at a time, the whole prompt each time."""
    from unsloth import FastLanguageModel

    model, _ = FastLanguageModel.from_pretrained(
        str(bench.base.path), max_seq_length=896, load_in_4bit=True, dtype=None
    )
    model = FastLanguageModel.get_peft_model(model, r=RANK, lora_alpha=RANK, random_state=3407)
    FastLanguageModel.for_inference(model)
    return _measure_generate(bench, model, (8, 50), batch=1, rounds=12)


def measure_batched(bench: Bench) -> Figures:
    """Transformers' generate in bfloat16, batches of 32."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(bench.base.path), dtype=torch.bfloat16)
    return _measure_generate(bench, model.to(pick_device()).eval(), (8,), batch=32, rounds=3)


def _measure_generate(
    bench: Bench, model: Any, new_tokens: Sequence[int], batch: int, rounds: int
) -> Figures:
    from classifier.model.bases.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(bench.base)
    prompt = Prompt(tokenizer, load_template(bench.template), bench.units)
    figures: Figures = {}
    for name, cut in (("own", None), ("cut", CUT)):
        tickets = [ticket[:cut] for ticket in prompt.tickets(bench.texts[: batch * rounds])]
        for new in new_tokens:
            seconds = []
            for start in range(0, len(tickets), batch):
                rows = [
                    [*prompt.prefix, *ticket, *prompt.suffix]
                    for ticket in tickets[start : start + batch]
                ]
                longest = max(map(len, rows))
                ids = [[0] * (longest - len(row)) + row for row in rows]
                seen = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
                synchronise()
                began = time.perf_counter()
                with torch.inference_mode():
                    model.generate(
                        input_ids=torch.tensor(ids, device=model.device),
                        attention_mask=torch.tensor(seen, device=model.device),
                        max_new_tokens=new,
                        min_new_tokens=new,
                        do_sample=True,
                        temperature=0.7,
                        pad_token_id=tokenizer.eos_token_id,
                    )
                synchronise()
                seconds.append(time.perf_counter() - began)
            rate = batch / statistics.median(seconds[1:])
            figures.setdefault(name, {})[f"tickets_per_s_{new}_tokens"] = round(rate, 2)
    return figures


STAGES: dict[str, Callable[[Bench], Figures]] = {
    "ceiling": measure_ceiling,
    "nf4": lambda bench: measure_mode(bench, "nf4"),
    "fp8": lambda bench: measure_mode(bench, "fp8"),
    "bf16": lambda bench: measure_mode(bench, "bf16"),
    "swap": measure_swap,
    "think": measure_think,
    "batched": measure_batched,
    "loop": measure_loop,
}


def random_adapter(backbone: Backbone) -> Adapter:
    """Return an adapter of rank 64 that is not zero."""
    torch.manual_seed(0)
    made: dict[str, Any] = {"device": backbone.device, "dtype": backbone.dtype}
    return Adapter(
        {
            path: LayerAdapter(
                torch.randn(RANK, layer.in_features, **made) * 0.01,
                torch.randn(layer.out_features, RANK, **made) * 0.01,
                1.0,
            )
            for path, layer in lora_layers(backbone.model)
        }
    )


def random_head(backbone: Backbone, prompt: Prompt) -> Head:
    """Return a head over the prompt's units that is not zero."""
    torch.manual_seed(0)
    hidden = backbone.model.config.hidden_size
    weight = torch.randn(len(prompt.units), hidden) / hidden**0.5
    return Head(tuple(unit.code for unit in prompt.units), weight, torch.zeros(len(weight)))


def show(results: dict[str, Figures]) -> None:
    """Print the table."""
    table = Table(title=device_name())
    for heading in (
        "",
        "length",
        "tickets/s",
        "TFLOP/s",
        "share",
        "search adds",
        "head",
        "peak GiB",
    ):
        table.add_column(heading)
    for stage, figures in results.items():
        for length in ("own", "cut"):
            row = figures.get(length)
            if row is None:
                continue
            rates = [value for name, value in row.items() if name.startswith("tickets_per_s")]
            other = (
                row.get(n, "")
                for n in ("tflops", "share", "search_adds", "head_tickets_per_s", "peak_gib")
            )
            table.add_row(stage, length, " / ".join(map(str, rates)), *map(str, other))
    Console().print(table)


def read_base(path: Path) -> Base:
    """Return the base in a directory, or as a file of JSON describes it."""
    if path.suffix == ".json":
        return Base.model_validate_json(path.read_text("utf-8"))
    return examine(path, path.name)


def read_texts(file: Path, count: int) -> list[str]:
    """Return the texts of the first tickets."""
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()[:count]]
    return [model_text(row.get("title"), row.get("text") or row["Question"]) for row in rows]


def read_units(file: Path) -> tuple[PromptUnit, ...]:
    """Return units of the names in a JSON list, with codes from U000 on."""
    names = json.loads(file.read_text("utf-8"))
    return tuple(PromptUnit(f"U{number:03}", name) for number, name in enumerate(names))


def read_adapter(directory: Path, backbone: Backbone) -> Adapter:
    """Return an adapter as peft wrote it."""
    config, weights = ((directory / name).read_bytes() for name in (CONFIG, WEIGHTS))
    return parse_adapter(directory, config, weights, backbone.model)


def medians_in_turns(works: Sequence[Callable[[], Any]], repeat: int) -> list[float]:
    """Return how long each of some works takes, in turns: a clock that drifts meets all alike."""
    rounds = [[median_seconds(work, 1) for work in works] for _ in range(repeat)]
    return [statistics.median(took) for took in zip(*rounds, strict=True)]


def median_seconds(work: Callable[[], Any], repeat: int) -> float:
    """Return the median time of some runs."""
    took = []
    for _ in range(repeat):
        synchronise()
        began = time.perf_counter()
        work()
        synchronise()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def synchronise() -> None:
    """Wait for the GPU."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def gib(read: Callable[[], int]) -> float:
    """Return a count of the GPU's bytes in GiB, 0 where there is none."""
    return round(read() / 2**30, 2) if torch.cuda.is_available() else 0.0


def _taken() -> int:
    """Bytes of the GPU that are taken: by this process, where it is alone there."""
    free, total = torch.cuda.mem_get_info()
    return int(total - free)


def device_name() -> str:
    """Return the GPU's name, or cpu."""
    return torch.cuda.get_device_name() if pick_device().type == "cuda" else "cpu"


if __name__ == "__main__":
    main()
