"""Small models for tests: random weights in real architectures, with the stand-in's tokenizer."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config

from classifier.labels.prompt import Lengths, Prompt
from classifier.labels.template import END_THINK, THINK, PromptUnit, load_template
from classifier.model.bases.base import Base, examine
from classifier.model.bases.entries import STAND_IN, find_base

STANDIN = find_base(STAND_IN, Path("none"))
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
UNITS = (
    PromptUnit("A", "市城市管理局", "管市容"),
    PromptUnit("B", "市教育局", "管学校"),
    PromptUnit("C", "市教育局招生办", "管招生"),  # its name goes on from B's
    PromptUnit("D", "市水务局", "管河道"),
    PromptUnit("E", "东城区人民政府"),
)
CODES = frozenset(unit.code for unit in UNITS)
TICKETS = (
    "小区门口的路灯坏了，晚上看不见路。",
    "孩子上学报名",
    "",
    "自来水" * 60,
    "The street light is broken 💡 near the school，麻烦处理一下",
)
_LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 256,
}
_SMALL: dict[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
    "initializer_range": 0.3,
}
_SMOL = {"hidden_size": 576, "intermediate_size": 1536, "initializer_range": 0.1}
_ODD = {"hidden_size": 160, "intermediate_size": 200}
SHAPES: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "qwen2": (Qwen2Config, {}),
    "llama": (LlamaConfig, {"rope_parameters": _LLAMA3_ROPE}),
    # Normed queries and keys, and heads that together are wider than the model.
    "qwen3": (Qwen3Config, {"head_dim": 64}),
    "tied": (Qwen2Config, {"tie_word_embeddings": True}),
    "biased": (LlamaConfig, {"attention_bias": True, "mlp_bias": True}),
    # SmolLM2-135M's widths: multiples of 64, not of 128; three heads share a key.
    "smol": (LlamaConfig, _SMOL | {"num_attention_heads": 9, "num_key_value_heads": 3}),
    # Blocks of NF4 reach from row to row, and 200 is no width for float8.
    "odd": (LlamaConfig, _ODD | {"num_attention_heads": 5, "num_key_value_heads": 1}),
}
"""Name of a random base's shape -> its configuration's class, and what it has of its own."""


def random_base(directory: Path, shape: str = "qwen2", seed: int = 0) -> Base:
    """Write a base of one of the ``SHAPES`` with random weights, far from uniform answers."""
    config_class, own = SHAPES[shape]
    vocabulary = json.loads((STANDIN.path / "config.json").read_text())["vocab_size"]
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(
        config_class(**_SMALL | own, vocab_size=vocabulary), dtype=torch.float32
    )
    for name, weight in model.named_parameters():
        if name.endswith((".bias", "q_norm.weight", "k_norm.weight")):  # all alike at first
            weight.data += torch.randn(weight.shape) / 3
    model.save_pretrained(directory)
    for name in TOKENIZER_FILES:
        shutil.copy(STANDIN.path / name, directory / name)
    return examine(directory, directory.name)


def without_marks(base: Base, *marks: str) -> Base:
    """Take a base's marks of thoughts away, by default both."""
    for name in TOKENIZER_FILES:
        path = base.path / name
        text = path.read_text("utf-8")
        for mark in marks or (THINK, END_THINK):
            text = text.replace(mark, mark.replace("think", "plain"))
        path.write_text(text, "utf-8")
    return examine(base.path, base.name)


def make_prompt(
    tokenizer: Any,
    units: Sequence[PromptUnit] = UNITS,
    template: str = "short",
    lengths: Lengths | None = None,
) -> Prompt:
    """The prompt of some units."""
    return Prompt(tokenizer, load_template(template), tuple(units), lengths or Lengths())
