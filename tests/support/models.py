"""Small models for tests: random weights in real architectures, with the stand-in's tokenizer."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from classifier.labels.prompt import Lengths, Prompt
from classifier.labels.template import PromptUnit, load_template
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
_CONFIGS: dict[str, tuple[Any, Any]] = {
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "llama": (LlamaConfig, LlamaForCausalLM),
}


def random_base(directory: Path, architecture: str = "qwen2", seed: int = 0) -> Base:
    """Write a base with random weights, far enough from uniform that labels differ."""
    config_class, model_class = _CONFIGS[architecture]
    vocabulary = json.loads((STANDIN.path / "config.json").read_text())["vocab_size"]
    config = config_class(
        vocab_size=vocabulary,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        tie_word_embeddings=False,
        initializer_range=0.3,
    )
    if architecture == "llama":  # as Llama 3 has them
        config.rope_parameters = {
            "rope_type": "llama3",
            "rope_theta": 10_000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 256,
        }
    torch.manual_seed(seed)
    model_class(config).save_pretrained(directory)
    for name in TOKENIZER_FILES:
        shutil.copy(STANDIN.path / name, directory / name)
    return examine(directory, directory.name)


def make_prompt(
    tokenizer: Any,
    units: Sequence[PromptUnit] = UNITS,
    template: str = "short",
    lengths: Lengths | None = None,
) -> Prompt:
    """The prompt of some units."""
    return Prompt(tokenizer, load_template(template), tuple(units), lengths or Lengths())
