"""The article's decoder against exact search, on the same trained version.

    python -m bench.decoding --version DIRECTORY --data FILE [--tickets 200] [--runs 2]

The article samples up to 50 tokens at temperature 0.7 and takes the unit from the decoded text.
Exact search scores every unit's name and takes the best. The file has labels; its units must be
the version's. The last line is JSON.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM

from classifier.labels.prompt import Prompt
from classifier.llm import LlmClassifier
from classifier.model.quantization import nf4_config
from core.text import model_text
from producer.files.reader import read_rows
from producer.tickets.options import ReadOptions
from producer.tickets.outcome import Reject
from producer.tickets.reader import read_tickets

NEW_TOKENS, TEMPERATURE = 50, 0.7
SEED = 3407
INVALID = ""


def main() -> None:
    """Compare both on one file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", type=Path, required=True, help="an LLM version's directory")
    parser.add_argument("--data", type=Path, required=True, help="labelled tickets")
    parser.add_argument("--label", default="unit", help="the label's column")
    parser.add_argument("--tickets", type=int, default=200)
    parser.add_argument("--runs", type=int, default=2, help="of the sampling decoder")
    options = parser.parse_args()
    classifier = LlmClassifier.load(options.version)
    names = {unit.name: unit.code for unit in classifier.engine.prompt.units}
    texts, truth = _read(options.data, options.label, names, options.tickets)
    began = time.perf_counter()
    found = [d.unit for d in classifier.classify(texts, [classifier.units] * len(texts), 1)]
    again = [d.unit for d in classifier.classify(texts, [classifier.units] * len(texts), 1)]
    exact_seconds = (time.perf_counter() - began) / 2
    runs, seconds = _sample(options.version, classifier, texts, options.runs)
    rows = {
        "exact search": _figures([found, again], truth, exact_seconds),
        "the article's decoder": _figures(runs, truth, seconds / options.runs),
    }
    table = Table(title=f"{len(texts)} tickets, {len(names)} units, {classifier.version}")
    for heading in ("decoder", "accuracy", "invalid answers", "change between runs", "seconds"):
        table.add_column(heading)
    for name, figures in rows.items():
        table.add_row(name, *(f"{value:g}" for value in figures.values()))
    Console().print(table)
    print(json.dumps({"tickets": len(texts), "units": len(names), **rows}, ensure_ascii=False))


def _figures(runs: Sequence[Sequence[str]], truth: Sequence[str], seconds: float) -> dict[str, Any]:
    """Accuracy and invalid answers are means over the runs, as shares; changes of the first two."""
    total = len(runs) * len(truth)
    right = sum(a == b for run in runs for a, b in zip(run, truth, strict=True))
    invalid = sum(answer == INVALID for run in runs for answer in run)
    changed = sum(a != b for a, b in zip(runs[0], runs[-1], strict=True)) / len(truth)
    return {
        "accuracy": round(right / total, 4),
        "invalid": round(invalid / total, 4),
        "changed": round(changed, 4),
        "seconds": round(seconds, 1),
    }


def _sample(
    version: Path, classifier: LlmClassifier, texts: Sequence[str], runs: int
) -> tuple[list[list[str]], float]:
    """Decode as the article does: sample, decode everything, parse; a ticket at a time."""
    engine = classifier.engine
    base = AutoModelForCausalLM.from_pretrained(
        str(engine.backbone.base.path),
        quantization_config=nf4_config(engine.backbone.dtype),
        dtype=engine.backbone.dtype,
        device_map={"": engine.backbone.device},
    )
    model = PeftModel.from_pretrained(base, str(version)).eval()
    torch.manual_seed(SEED)
    tickets = engine.prompt.tickets(texts)
    began = time.perf_counter()
    found = [[_decode(model, engine.prompt, ids) for ids in tickets] for _ in range(runs)]
    return found, time.perf_counter() - began


def _decode(model: Any, prompt: Prompt, ticket: list[int]) -> str:
    ids = torch.tensor([[*prompt.prefix, *ticket, *prompt.suffix]], device=model.device)
    with torch.inference_mode():
        out = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=NEW_TOKENS,
            temperature=TEMPERATURE,
            do_sample=True,
            pad_token_id=prompt.tokenizer.eos_token_id,
        )
    tokenizer: Any = prompt.tokenizer
    return _parse(tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=False), prompt)


def _parse(text: str, prompt: Prompt) -> str:
    """Return the unit whose name stands after the thought, ``INVALID`` where none does exactly."""
    answer = text.rpartition("</think>")[2]
    tokenizer: Any = prompt.tokenizer
    for token in tokenizer.all_special_tokens:
        answer = answer.replace(token, "")
    names = {unit.name: unit.code for unit in prompt.units}
    return names.get(answer.strip(), INVALID)


def _read(file: Path, label: str, names: dict[str, str], count: int) -> tuple[list[str], list[str]]:
    options = ReadOptions(columns={} if label == "unit" else {"unit": label}, max_chars=50_000)
    texts: list[str] = []
    truth: list[str] = []
    for _, item in read_tickets(read_rows(file), options):
        if not isinstance(item, Reject) and item.unit in names and len(texts) < count:
            texts.append(model_text(item.title, item.text))
            truth.append(names[item.unit])
    return texts, truth


if __name__ == "__main__":
    main()
