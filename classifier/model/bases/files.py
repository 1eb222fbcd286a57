"""The files of a base's directory, told apart by their names and first bytes.

People name adapters, models for llama.cpp, and downloads that brought pointers only. The message
says what they named, and what to add instead.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import ModelVersionError
from core.json_text import parse_json

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
RECIPE = "recipe.toml"
"""A base may bring what training should do otherwise than by default."""
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
USED_FILES = ("config.json", "generation_config.json", *TOKENIZER_FILES, RECIPE, "*.safetensors")
"""Patterns of the names of the files that Paidan reads and hashes."""

_LFS = b"version https://git-lfs.github.com/spec/"
_PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")


def check_kind(path: Path, name: str) -> None:
    """Refuse a directory that holds something else than a base.

    Raises:
        ModelVersionError: it does; says what, and what to add instead.
    """
    told = _other_kind(path)
    if told is not None:
        raise ModelVersionError(f"base {name}: {path} {told}")


def weight_files(path: Path, name: str) -> list[str]:
    """Return the names of the files that hold the weights, as transformers looks for them.

    Raises:
        ModelVersionError: the index names none.
    """
    if (path / WEIGHTS).is_file() or not (path / INDEX).is_file():
        return [WEIGHTS]
    weight_map = read_json(path / INDEX, name).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ModelVersionError(
            f"base {name}: {path / INDEX} names no file of weights: fetch it again"
        )
    return sorted(set(map(str, weight_map.values())))


def read_json(path: Path, name: str) -> dict[str, Any]:
    """Return a base's JSON file.

    Raises:
        ModelVersionError: it is missing or no JSON object.
    """
    try:
        content = parse_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelVersionError(f"base {name}: {path} is missing") from error
    except (ValueError, OSError) as error:
        raise ModelVersionError(f"base {name}: {path} cannot be read ({error})") from error
    if not isinstance(content, dict):
        raise ModelVersionError(f"base {name}: {path} is no JSON object")
    return content


def _other_kind(path: Path) -> str | None:
    has_weights = bool(_some(path, "*.safetensors", but="adapter_model.safetensors"))
    if _some(path, "adapter_config.json") and not has_weights:
        return f"is an adapter and no base: add the base it was trained on{_trained_on(path)}"
    if pointers := [file for file in sorted(path.iterdir()) if _is_pointer(file)]:
        return (
            f"holds pointers of Git LFS instead of {', '.join(file.name for file in pointers)}: "
            "fetch the files with 'git lfs pull', or download them"
        )
    if has_weights:
        return _incomplete(path)
    if pickles := _some(path, *_PICKLES):
        return (
            f"holds its weights as a pickle ({pickles[0]}): weights must be safetensors, since a "
            "pickle may run any program. Fetch it in that format, or, if you trust it, convert it "
            "with transformers: AutoModelForCausalLM.from_pretrained(DIR).save_pretrained(DIR)"
        )
    return None


def _incomplete(path: Path) -> str | None:
    """Return what is missing beside the weights."""
    shards = _some(path, "model-*-of-*.safetensors")
    if shards and not (path / WEIGHTS).is_file() and not (path / INDEX).is_file():
        return f"holds {len(shards)} parts of weights without {INDEX}: fetch that file, too"
    if (path / "tokenizer.model").is_file() and not (path / "tokenizer.json").is_file():
        return (
            "has tokenizer.model alone: make its tokenizer.json with transformers: "
            "AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)"
        )
    return None


def _some(path: Path, *patterns: str, but: str = "") -> Sequence[str]:
    found = {file.name for pattern in patterns for file in path.glob(pattern)}
    return sorted(found - {but})


def _is_pointer(file: Path) -> bool:
    if not file.is_file() or file.stat().st_size > 1024:
        return False
    return file.read_bytes().startswith(_LFS)


def _trained_on(path: Path) -> str:
    try:
        config = parse_json((path / "adapter_config.json").read_bytes())
        return f" ({config['base_model_name_or_path']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
