"""What a base's config.json asks for, and whether Paidan computes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from classifier.model.bases.files import read_json
from core.errors import ModelVersionError


def is_quantized(path: Path, name: str) -> bool:
    """Return whether the weights are in four bits already."""
    return bool(read_json(path / "config.json", name).get("quantization_config"))


def check_quantization(config: Mapping[str, Any], name: str) -> bool:
    """Return whether the weights are NF4 already; refuse any other form."""
    quantized = config.get("quantization_config") or config.get("compression_config")
    if not quantized:
        return False
    method = str(quantized.get("quant_method", "unknown"))
    kind = quantized.get("bnb_4bit_quant_type")
    if method == "bitsandbytes" and quantized.get("load_in_4bit") and kind == "nf4":
        return True
    raise ModelVersionError(
        f"base {name}: its weights are quantised already ({method}): Paidan quantises by itself, "
        "add the model it was made from, in bfloat16 or float16"
    )


def described_model(path: Path, name: str, config: Mapping[str, Any]) -> Any:
    """Return the model of a configuration without its weights."""
    import torch
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig, AutoModelForCausalLM

    unusable = (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError)
    try:
        read = AutoConfig.from_pretrained(str(path), local_files_only=True)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(read)
    except (*unusable, StrictDataclassError, ZeroDivisionError) as error:
        reason = " ".join(str(error).split())
        raise ModelVersionError(
            f"base {name}: {path / 'config.json'} describes no model ({reason})"
        ) from error
    if type(model).__name__ not in config.get("architectures", ()):
        raise ModelVersionError(
            f"base {name}: {path / 'config.json'} names the architecture "
            f"{config['architectures'][0]}, but its model_type makes {type(model).__name__}"
        )
    _check_computed(model.config, name)
    return model


def _check_computed(config: Any, name: str) -> None:
    """Refuse what the configuration may ask for and the engine does not compute."""
    kinds, window = getattr(config, "layer_types", None), getattr(config, "sliding_window", None)
    has_window = window is not None if kinds is None else set(kinds) != {"full_attention"}
    if has_window:
        raise ModelVersionError(
            f"base {name}: some of its layers see a window of {window} tokens only, "
            "which Paidan does not compute: where texts and units stay shorter, set "
            '"use_sliding_window": false in config.json, without "layer_types" and "sliding_window"'
        )
    if config.rope_parameters.get("partial_rotary_factor", 1) != 1:
        raise ModelVersionError(
            f"base {name}: it rotates a part of each head alone (partial_rotary_factor), which "
            "Paidan does not compute: take another base"
        )
    if config.hidden_act != "silu":
        raise ModelVersionError(
            f"base {name}: its layers use {config.hidden_act}, Paidan computes silu"
        )
