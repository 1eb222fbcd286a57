"""Tickets per second of the LLM classifier, on this machine's device.

    python -m bench.inference --base DIRECTORY --tickets FILE.jsonl --units FILE.json [--count 512]

The base may have random weights: speed and memory are those of its shape, accuracy is not. The
adapter is random too, of rank 64. Each line of the tickets has a ``text`` or ``Question``; units
are a JSON list of names. Every stage prints as it ends; the last line is JSON.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch

from classifier.backbone import Backbone, load_backbone, pick_device
from classifier.base import examine
from classifier.engine import Counts, Engine
from classifier.llm import LlmClassifier
from classifier.lora import Adapter, LayerAdapter, lora_layers
from classifier.manifest import Calibration
from classifier.prompt import Prompt
from classifier.template import PromptUnit, load_template
from paidan.text import model_text

RANK = 64


def main() -> None:
    """Measure one base."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="a model's directory")
    parser.add_argument("--tickets", type=Path, required=True, help=".jsonl")
    parser.add_argument("--units", type=Path, required=True, help="a JSON list of names")
    parser.add_argument("--count", type=int, default=512, help="tickets to classify")
    parser.add_argument("--template", default="dispatch")
    parser.add_argument("--mode", choices=("nf4", "full"), default="nf4")
    options = parser.parse_args()
    texts = _read_texts(options.tickets, options.count)
    began = time.perf_counter()
    backbone = load_backbone(examine(options.base, options.base.name), options.mode)
    print(f"loaded in {time.perf_counter() - began:.1f} s, {_gib():.2f} GiB", flush=True)
    names = json.loads(options.units.read_text("utf-8"))
    units = tuple(PromptUnit(f"U{n:03}", name) for n, name in enumerate(names))
    prompt = Prompt(backbone.tokenizer, load_template(options.template), units)
    print(prompt.counts, flush=True)
    engine = Engine(backbone, _random_adapter(backbone), prompt)
    calibration = Calibration(
        temperature=1, threshold=0, error_target=1, coverage=1, error=None, held_out=0
    )
    figures = _measure(LlmClassifier("bench", engine, calibration), texts)
    print(
        json.dumps(
            {
                "device": _device_name(),
                "mode": options.mode,
                "tickets": len(texts),
                "prefix_tokens": len(prompt.prefix),
                **figures,
            },
            ensure_ascii=False,
        )
    )


def _measure(classifier: LlmClassifier, texts: list[str]) -> dict[str, Any]:
    """Classify all tickets, once to warm up and once for the figures."""
    allowed = [classifier.units] * len(texts)
    figures: dict[str, Any] = {}
    for stage in ("warm-up", "measured"):
        classifier.engine.counts = Counts()
        _synchronise()
        began = time.perf_counter()
        classifier.classify(texts, allowed)
        _synchronise()
        seconds = time.perf_counter() - began
        counts = classifier.engine.counts
        figures = {
            "tickets_per_s": round(len(texts) / seconds, 2),
            "tokens_per_ticket": round(counts.ticket_tokens / counts.tickets, 1),
            "label_nodes_per_ticket": round(counts.label_nodes / counts.tickets, 1),
            "steps": counts.steps,
            "peak_gib": round(_gib(), 2),
        }
        print(stage, figures, flush=True)
    return figures


def _random_adapter(backbone: Backbone) -> Adapter:
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


def _read_texts(file: Path, count: int) -> list[str]:
    rows = (json.loads(line) for line in file.read_text("utf-8").splitlines())
    texts = [model_text(row.get("title"), row.get("text") or row["Question"]) for row in rows]
    return texts[:count]


def _synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _gib() -> float:
    return torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else 0.0


def _device_name() -> str:
    return torch.cuda.get_device_name() if pick_device().type == "cuda" else "cpu"


if __name__ == "__main__":
    main()
