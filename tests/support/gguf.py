"""GGUF files for tests, written as llama.cpp's converter writes them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFWriter, get_tensor_name_map
from gguf.constants import MODEL_ARCH
from safetensors.torch import load_file

from classifier.model.bases.base import Base
from classifier.model.bases.files import WEIGHTS

_KEYS = {
    "context_length": "max_position_embeddings",
    "block_count": "num_hidden_layers",
    "feed_forward_length": "intermediate_size",
    "embedding_length": "hidden_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
}
_ARCHITECTURES = {"llama": MODEL_ARCH.LLAMA, "qwen2": MODEL_ARCH.QWEN2, "qwen3": MODEL_ARCH.QWEN3}
CONTROL, USER_DEFINED, NORMAL = 3, 4, 1


def write_gguf(base: Base, file: Path, **metadata: Any) -> Path:
    """Write a base as a GGUF file in float32; ``metadata`` ("a__b" is "a.b") goes over its own."""
    config = json.loads((base.path / "config.json").read_text())
    name = config["model_type"]
    writer = GGUFWriter(file, name)
    keys = {key: config[ours] for key, ours in _KEYS.items()}
    keys["rope.freq_base"] = config["rope_parameters"]["rope_theta"]
    keys["attention.layer_norm_rms_epsilon"] = config["rms_norm_eps"]
    size = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    keys |= {"attention.key_length": size, "rope.dimension_count": size}
    told = {f"{name}.{key}": value for key, value in keys.items()} | _tokenizer(base)
    told |= {key.replace("__", "."): value for key, value in metadata.items()}
    for key, value in told.items():
        _add(writer, key, value)
    places = get_tensor_name_map(_ARCHITECTURES[name], config["num_hidden_layers"])
    for key, tensor in load_file(base.path / WEIGHTS).items():
        values = tensor.float().numpy()
        if name == "llama":
            values = _permuted(key, values, config)
        place = places.get_name(key, try_suffixes=(".weight", ".bias"))
        assert place is not None
        writer.add_tensor(place, np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _tokenizer(base: Base) -> dict[str, Any]:
    """What llama.cpp keeps of a byte-level BPE; its marks of thoughts are no control tokens."""
    stored = json.loads((base.path / "tokenizer.json").read_text("utf-8"))
    tokens = sorted(stored["model"]["vocab"], key=stored["model"]["vocab"].get)
    special = {token["content"] for token in stored["added_tokens"]}
    kinds = [
        NORMAL if token not in special else USER_DEFINED if "think" in token else CONTROL
        for token in tokens
    ]
    number = {token: place for place, token in enumerate(tokens)}
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.merges": [" ".join(pair) for pair in stored["model"]["merges"]],
        "tokenizer.ggml.bos_token_id": number["<|begin|>"],
        "tokenizer.ggml.eos_token_id": number["<|end|>"],
        "tokenizer.ggml.padding_token_id": number["<|pad|>"],
    }


def _add(writer: GGUFWriter, key: str, value: Any) -> None:
    if isinstance(value, list):
        writer.add_array(key, value)
    elif isinstance(value, str):
        writer.add_string(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    else:
        writer.add_uint32(key, value)


def _permuted(key: str, values: Any, config: Mapping[str, Any]) -> Any:
    """Return a Llama's queries and keys as llama.cpp rotates them: neighbours, not halves."""
    part = {"q_proj": "num_attention_heads", "k_proj": "num_key_value_heads"}
    heads = next((config[count] for name, count in part.items() if name in key), None)
    if heads is None:
        return values
    split = values.reshape(heads, 2, len(values) // heads // 2, *values.shape[1:])
    return split.swapaxes(1, 2).reshape(values.shape)
