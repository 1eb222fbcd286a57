"""How far the engine's log-probabilities are from plain transformers in float32.

    python -m bench.agreement --version DIRECTORY --tickets FILE.jsonl [--count 200] [--modes nf4]
    python -m bench.agreement --base DIRECTORY --adapter DIRECTORY --units FILE.json --tickets …

The reference has the engine's own weights, dequantised, with the adapter merged, all in float32; it
reads one ticket after the other and each label by itself. Beside the engine's modes the table shows
plain transformers in bfloat16 (on a GPU) and in float32 on the base's weights before they were
rounded to 4 bits: what the format itself costs. ``--merged`` adds a row for what ``paidan models
export --format merged`` wrote there. The last line is JSON.
"""

import argparse
import copy
import functools
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM

from bench.inference import device_name, read_adapter, read_texts, read_units
from classifier.engine.engine import Engine
from classifier.labels.prompt import Prompt
from classifier.labels.template import load_template
from classifier.labels.trie import LabelTrie
from classifier.llm import LlmClassifier
from classifier.model.backbone import load_backbone
from classifier.model.bases.base import examine
from classifier.model.lora import LoraLinear, lora_layers
from classifier.model.mode import Mode

EXACT, PLAIN, UNROUNDED = "plain float32", "plain bfloat16", "not rounded to 4 bits"
MERGED = "merged export, in float32"
Scores = torch.Tensor
"""(tickets, labels) float64 log-probabilities."""


def main() -> None:
    """Compare on one version."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", type=Path, help="an LLM version's directory; or else:")
    parser.add_argument("--base", type=Path, help="a model's directory")
    parser.add_argument("--adapter", type=Path, help="as peft writes it")
    parser.add_argument("--units", type=Path, help="a JSON list of names")
    parser.add_argument("--template", default="dispatch")
    parser.add_argument("--tickets", type=Path, required=True, help=".jsonl")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--modes", default="nf4", help="of the engine, with commas")
    parser.add_argument("--skip-unrounded", action="store_true", help="leave the last row out")
    parser.add_argument("--merged", type=Path, help="the version's merged export")
    parser.add_argument("--out", type=Path, help="scores so far, .pt; they are not computed again")
    options = parser.parse_args()
    texts = read_texts(options.tickets, options.count)
    modes = options.modes.split(",")
    figures = compare(
        _loader(options),
        texts,
        modes,
        options.out,
        unrounded=not options.skip_unrounded,
        merged=options.merged,
    )
    table = Table(title=f"{len(texts)} tickets, {device_name()}")
    for heading in ("", "top-1 agreement", "mean |Δ log p|", "max |Δ log p|"):
        table.add_column(heading)
    for name, row in figures.items():
        table.add_row(name, *(f"{value:.4g}" for value in row.values()))
    Console().print(table)
    print(json.dumps(figures))


def _loader(options: argparse.Namespace) -> Callable[[Mode], Engine]:
    if options.version is not None:
        return functools.partial(_engine_of, options.version)
    if None in (options.base, options.adapter, options.units):
        raise SystemExit("name --version, or --base, --adapter and --units")
    base = examine(options.base, options.base.name)
    units = read_units(options.units)

    def load(mode: Mode) -> Engine:
        backbone = load_backbone(base, mode)
        prompt = Prompt(backbone.tokenizer, load_template(options.template), units)
        return Engine(backbone, read_adapter(options.adapter, backbone), prompt)

    return load


def _engine_of(version: Path, mode: Mode) -> Engine:
    engine = LlmClassifier.load(version, mode=mode).engine
    if engine.backbone.mode != mode:
        raise SystemExit(f"{version} is served in {engine.backbone.mode}, not in {mode}")
    return engine


def compare(
    load: Callable[[Mode], Engine],
    texts: Sequence[str],
    modes: Sequence[Mode],
    out: Path | None,
    *,
    unrounded: bool,
    merged: Path | None = None,
) -> dict[str, Any]:
    """Return for each mode the top-1 agreement and the mean and greatest |Δ log p|."""
    found: dict[str, Scores] = torch.load(out) if out and out.exists() else {}
    engine: Engine | None = None
    model: Any = None

    def keep(name: str, scores: Scores) -> None:
        found[name] = scores
        print(f"{name}: {len(scores)} tickets scored", flush=True)
        if out:
            torch.save(found, out)

    for mode in modes:
        if mode not in found or mode == modes[-1]:  # the plain models take the last one's weights
            engine = None  # its weights go before the next ones come
            engine = load(mode)
        if mode not in found:
            assert engine is not None
            keep(mode, engine_scores(engine, texts))
    assert engine is not None
    plain = [EXACT]
    if engine.backbone.device.type == "cuda":
        plain.append(PLAIN)
    for name in plain:
        if name not in found:
            model = model or plain_model(engine, rounded=True)
            model = model.bfloat16() if name == PLAIN else model
            keep(name, plain_scores(model, engine.prompt, texts))
    model = None
    if "full" not in modes and unrounded and UNROUNDED not in found:
        keep(UNROUNDED, plain_scores(plain_model(engine, rounded=False), engine.prompt, texts))
    if merged is not None and MERGED not in found:
        exported = _load_plain(merged, engine.backbone.device)
        keep(MERGED, plain_scores(exported, engine.prompt, texts))
    exact = found[EXACT]
    return {name: _figures(scores, exact) for name, scores in found.items() if name != EXACT}


def engine_scores(engine: Engine, texts: Sequence[str]) -> Scores:
    """Return every label's score by the engine."""
    found = engine.scores(texts)
    return torch.tensor([[s[c] for c in engine.prompt.labels] for s in found], dtype=torch.double)


def plain_model(engine: Engine, *, rounded: bool) -> Any:
    """Return transformers' float32 model, adapter merged; on the 4-bit weights if ``rounded``."""
    backbone = engine.backbone
    model = _load_plain(backbone.base.path, backbone.device)
    for path, layer in lora_layers(backbone.model):
        weight = model.get_submodule(path).weight
        with torch.no_grad():
            if rounded:
                weight.copy_(_dequantised(layer))
            adapter = engine.adapter.layers.get(path)
            if adapter is not None:
                weight += adapter.scale * (adapter.b.float() @ adapter.a.float())
    return model


def _load_plain(path: Path, device: torch.device) -> Any:
    model = AutoModelForCausalLM.from_pretrained(
        str(path), dtype=torch.float32, device_map={"": device}
    )
    return model.eval()


def _dequantised(layer: LoraLinear) -> torch.Tensor:
    """The 4-bit weight in float32: one in bfloat16 would have been rounded twice."""
    dtype, layer.dtype = layer.dtype, torch.float32
    try:
        return layer.full_weight().float()
    finally:
        layer.dtype = dtype


@torch.inference_mode()
def plain_scores(model: Any, prompt: Prompt, texts: Sequence[str]) -> Scores:
    """Return every label's score, ticket by ticket: the ticket once, then each label behind it."""
    trie = LabelTrie(prompt.labels, prompt.tokenizer.eos_token_id)
    paths = [trie.path(code) for code in prompt.labels]
    longest = max(map(len, paths))
    labels = torch.tensor([[*path, *[0] * (longest - len(path))] for path in paths])
    told = torch.tensor([[1] * len(path) + [0] * (longest - len(path)) for path in paths])
    labels, told = labels.to(model.device), told.to(model.device)
    prefix = model(torch.tensor([prompt.prefix], device=model.device)).past_key_values
    rows: list[torch.Tensor] = []
    began = time.perf_counter()
    for ticket in prompt.tickets(texts):
        cache = copy.deepcopy(prefix)
        ids = torch.tensor([[*ticket, *prompt.suffix]], device=model.device)
        first = model(ids, past_key_values=cache, logits_to_keep=1).logits
        cache.batch_repeat_interleave(len(paths))
        rest = model(labels[:, :-1], past_key_values=cache).logits if longest > 1 else first[:, :0]
        logits = torch.cat((first.expand(len(paths), -1, -1), rest), dim=1).float()
        chosen = logits.log_softmax(-1).gather(2, labels[:, :, None])[:, :, 0]
        rows.append((chosen.double() * told).sum(dim=1).cpu())
        if len(rows) % 100 == 0:
            print(f"{len(rows)} tickets in {time.perf_counter() - began:.0f} s", flush=True)
    return torch.stack(rows)


def _figures(found: Scores, exact: Scores) -> dict[str, float]:
    gap = (found - exact).abs()
    same = (found.argmax(1) == exact.argmax(1)).double().mean()
    return {"top1": same.item(), "mean": gap.mean().item(), "max": gap.max().item()}


if __name__ == "__main__":
    main()
