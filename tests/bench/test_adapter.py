"""The bench's adapter: it loads, and the engine is sure of what was learned."""

import math
import statistics
from pathlib import Path

import torch

from bench.adapter import LastLayer, check, drawn, load_model, train, write
from classifier.engine.engine import Engine
from classifier.labels.trie import LabelTrie
from classifier.model.adapter_file import CONFIG, WEIGHTS, parse_adapter
from classifier.model.backbone import load_backbone
from classifier.model.bases.tokenizer import load_tokenizer
from classifier.model.lora import lora_layers
from tests.support.models import CODES, UNITS, make_prompt, random_base

TEXTS = [
    f"{place}的路灯坏了{number}天" for place in ("东街", "西巷", "河边") for number in range(9)
]


def test_the_engine_is_sure_of_what_was_learned(tmp_path: Path) -> None:
    base = random_base(tmp_path / "base")
    prompt = make_prompt(load_tokenizer(base))
    codes = [drawn(text, UNITS) for text in TEXTS]
    torch.manual_seed(0)
    last = LastLayer(load_model(base), prompt)
    tickets = prompt.tickets(TEXTS)
    in_nf4, in_fp8 = (last.batches(tickets, codes, mode) for mode in ("nf4", "fp8"))
    batches = in_nf4 + in_fp8

    parameters, figures = train(last, batches, steps=300, seconds=math.inf, lr=5e-3, noise=0.3)
    told = [check(last, some, cut=False) for some in (in_nf4, in_fp8)]
    write(tmp_path / "adapter", last.model, parameters)

    backbone = load_backbone(base, "nf4", torch.device("cpu"))
    config, weights = ((tmp_path / "adapter" / name).read_bytes() for name in (CONFIG, WEIGHTS))
    adapter = parse_adapter(tmp_path / "adapter", config, weights, backbone.model)
    assert set(adapter.layers) == {name for name, _ in lora_layers(backbone.model)}
    engine = Engine(backbone, adapter, prompt)
    root = LabelTrie(prompt.labels, backbone.end).restricted(CODES)
    found = engine.search(TEXTS, [root] * len(TEXTS), [1] * len(TEXTS))
    best = [one.ranking()[0] for one in found]
    right = [chance for (unit, chance), code in zip(best, codes, strict=True) if unit == code]
    assert figures["loss"] < 0.1
    assert not torch.equal(in_nf4[0].states, in_fp8[0].states)
    assert min(one["right"] for one in told) > 0.9
    assert len(right) > 0.9 * len(TEXTS)
    assert statistics.median(right) > 0.95
