"""Adapters for tests: with random weights, as peft writes and computes them."""

from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from classifier.model.adapter_file import CONFIG, WEIGHTS, parse_adapter
from classifier.model.backbone import Backbone
from classifier.model.bases.base import Base
from classifier.model.lora import Adapter

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def plain_model(base: Base) -> "torch.nn.Module":
    return AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32).eval()


def random_adapter(base: Base, directory: Path) -> PeftModel:
    """Write an adapter whose B is not zero; return the model that computes it, by peft."""
    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=TARGETS, task_type="CAUSAL_LM")
    model = get_peft_model(plain_model(base), config).eval()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(str(directory))
    return model


def read_adapter(directory: Path, backbone: Backbone) -> Adapter:
    config, weights = ((directory / name).read_bytes() for name in (CONFIG, WEIGHTS))
    return parse_adapter(directory, config, weights, backbone.model)
