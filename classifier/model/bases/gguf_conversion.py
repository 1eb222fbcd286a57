"""Makes a base's directory of a GGUF file: weights in bfloat16, configuration, tokenizer.

transformers dequantises the weights. It names the tokens that begin and end a text wrongly, adds
tokens of Qwen's that a file may not have, reads marks such as <think> as any text, and drops
tensors that it does not know. So kinds and roles of tokens are taken from the file's own metadata,
and the tensors are counted.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from classifier.model.bases.files import WEIGHTS
from classifier.model.bases.gguf_file import ROPE_FACTORS, GgufFile
from core.errors import ModelVersionError

_CONTROL, _USER_DEFINED = 3, 4  # kinds of tokens
_ROLES = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
_PROBE = "Ab 12, 工单 é!\n"


def convert_gguf(file: GgufFile, target: Path, name: str) -> None:
    """Write a directory of a GGUF file; it takes some four times the file's size of memory.

    Raises:
        ModelVersionError: transformers cannot convert it, or not all of it.
        StorageError, OSError: it cannot be written.
    """
    target.mkdir()
    try:
        model, tokenizer = _dequantized(file), _tokenizer(file)
    except ImportError:
        raise
    except Exception as error:  # tokenizers raises no other class
        reason = " ".join(str(error).split())
        raise ModelVersionError(
            f"base {name}: {file.path} cannot be converted ({type(error).__name__}: {reason}): add "
            "the model it was made from, with its safetensors"
        ) from error
    _write_weights(model, file, target, name)
    _write_config(model, target)
    # safetensors lets nobody but the owner read what it writes.
    shutil.copymode(target / "config.json", target / WEIGHTS)
    if tokenizer.decode(tokenizer(_PROBE, add_special_tokens=False)["input_ids"]) != _PROBE:
        raise ModelVersionError(
            f"base {name}: the tokenizer of {file.path} does not give a text back as it was: add "
            "the model it was made from, with its tokenizer.json"
        )
    tokenizer.save_pretrained(target)


def _dequantized(file: GgufFile) -> Any:
    """Return the model of a file, in bfloat16."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    source: dict[str, Any] = {"gguf_file": file.path.name, "local_files_only": True}
    config = AutoConfig.from_pretrained(str(file.path.parent), **source)
    size = file.of_model("attention.key_length")
    if size is not None:  # transformers does not read it for every architecture
        config.head_dim = size
    return AutoModelForCausalLM.from_pretrained(
        str(file.path.parent), config=config, dtype=torch.bfloat16, **source
    )


def _write_weights(model: Any, file: GgufFile, target: Path, name: str) -> None:
    from safetensors.torch import save_file

    tied = "lm_head.weight" if model.config.tie_word_embeddings else None
    weights = {key: tensor for key, tensor in model.state_dict().items() if key != tied}
    held = file.tensors - {ROPE_FACTORS}
    if len(held) != len(weights):
        raise ModelVersionError(
            f"base {name}: {file.path} holds {len(held)} tensors, and {type(model).__name__} has "
            f"{len(weights)}: add the model it was made from, with its safetensors"
        )
    save_file(weights, target / WEIGHTS, metadata={"format": "pt"})


def _write_config(model: Any, target: Path) -> None:
    config = model.config
    config.architectures = [type(model).__name__]
    if hasattr(config, "quantization_config"):  # it is dequantised
        del config.quantization_config
    config.save_pretrained(target)


def _tokenizer(file: GgufFile) -> Any:
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    converted = AutoTokenizer.from_pretrained(
        str(file.path.parent), gguf_file=file.path.name, local_files_only=True
    ).backend_tokenizer
    stored = json.loads(converted.to_str())
    stored["added_tokens"] = _whole_tokens(file)
    tokens = {role: file.token(key) for role, key in _ROLES.items()}
    # Where a file names none, transformers would add tokens of its own to Qwen's.
    tokens |= {role: tokens[role] or tokens["eos"] for role in ("unk", "pad")}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(stored)),
        clean_up_tokenization_spaces=False,
        chat_template=file.metadata.get("tokenizer.chat_template"),
        **{f"{role}_token": token for role, token in tokens.items() if token is not None},
    )


def _whole_tokens(file: GgufFile) -> list[dict[str, Any]]:
    """Return the tokens that are never cut out of other text, as tokenizer.json has them."""
    tokens = file.metadata["tokenizer.ggml.tokens"]
    kinds = file.metadata["tokenizer.ggml.token_type"]
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return [
        {"id": number, "content": token, **plain, "special": kind == _CONTROL}
        for number, (token, kind) in enumerate(zip(tokens, kinds, strict=True))
        if kind in (_CONTROL, _USER_DEFINED)
    ]
