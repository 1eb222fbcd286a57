"""Loads a base in 4 bits with a fresh adapter: through unsloth on CUDA, through peft elsewhere."""

from training.adapter import unsloth_first  # isort: split

from typing import Any

import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, PreTrainedModel

from classifier.model.backbone import check_loaded
from classifier.model.bases.base import Base
from classifier.model.device import compute_dtype
from classifier.model.quantization import quantization
from training.adapter.recipe import Recipe


def load_with_adapter(base: Base, recipe: Recipe, device: torch.device) -> Any:
    """Return the base in 4 bits, frozen, with an adapter to train."""
    fast = recipe.compute.path == "fast"
    load = _load_unsloth if unsloth_first.AVAILABLE and not fast else _load_peft
    return load(base, recipe, device)


def _load_peft(base: Base, recipe: Recipe, device: torch.device) -> Any:
    """Load through transformers, bitsandbytes and peft."""
    dtype = compute_dtype(device)
    loaded: PreTrainedModel
    loaded, told = AutoModelForCausalLM.from_pretrained(
        str(base.path),
        local_files_only=True,
        use_safetensors=True,
        dtype=dtype,
        device_map={"": device},
        **quantization(base, dtype),
        output_loading_info=True,
    )
    check_loaded(base, told)
    wanted = recipe.get_peft_model()
    checkpointing = bool(wanted.pop("use_gradient_checkpointing"))
    torch.manual_seed(wanted.pop("random_state"))
    if wanted["loftq_config"] is None:
        wanted.pop("loftq_config")
    if recipe.compute.path == "recipe":  # the fast path keeps what is not in 4 bits as it is
        loaded = prepare_model_for_kbit_training(loaded, use_gradient_checkpointing=checkpointing)
    return get_peft_model(loaded, LoraConfig(task_type="CAUSAL_LM", **wanted))


def _load_unsloth(base: Base, recipe: Recipe, device: torch.device) -> Any:
    """Load through unsloth."""
    from unsloth import FastLanguageModel

    del device  # unsloth takes the GPU that this process sees
    model, _ = FastLanguageModel.from_pretrained(str(base.path), **recipe.from_pretrained())
    FastLanguageModel.for_training(model)
    return FastLanguageModel.get_peft_model(model, **recipe.get_peft_model())
