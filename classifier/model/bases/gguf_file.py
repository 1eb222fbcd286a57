"""A model in llama.cpp's format: what its file says before it is converted."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ModelVersionError

_ARCHITECTURES = ("llama", "qwen2", "qwen3")
ROPE_FACTORS = "rope_freqs.weight"
"""Divisors of the rotary frequencies, where they are scaled: no weight of the model."""


@dataclass(frozen=True, slots=True)
class GgufFile:
    """What a GGUF file says of itself.

    Parameters:
        path: where it is.
        metadata: all its keys.
        tensors: their names.
    """

    path: Path
    metadata: Mapping[str, Any]
    tensors: frozenset[str]

    def of_model(self, key: str) -> Any:
        """Return what it says under a key of its architecture, or None."""
        return self.metadata.get(f"{self.metadata.get('general.architecture')}.{key}")

    def token(self, role: str) -> str | None:
        """Return the token of a role such as "eos", or None."""
        number = self.metadata.get(f"tokenizer.ggml.{role}_token_id")
        return None if number is None else str(self.metadata["tokenizer.ggml.tokens"][number])


def gguf_of(path: Path) -> Path | None:
    """Return the GGUF file that a source is or holds; None where it is a base's directory.

    Raises:
        ModelVersionError: a directory holds several.
    """
    if path.is_file():
        return path
    if any(path.glob("*.safetensors")):
        return None
    files = sorted(path.glob("*.gguf"))
    if len(files) > 1:
        raise ModelVersionError(
            f"{path} holds {len(files)} GGUF files, {files[0].name} for example: name the one to "
            f"add: paidan base add {files[0]}"
        )
    return files[0] if files else None


def read_gguf(path: Path, name: str) -> GgufFile:
    """Read a file's metadata.

    Raises:
        ModelVersionError: it is damaged, or of a kind that cannot be converted.
        ModuleNotFoundError: gguf is not installed.
    """
    from gguf import GGUFReader

    try:
        reader = GGUFReader(path)
        metadata = {key: field.contents() for key, field in reader.fields.items()}
        file = GgufFile(path, metadata, frozenset(tensor.name for tensor in reader.tensors))
    except (ValueError, LookupError, TypeError, OverflowError, OSError) as error:
        reason = " ".join(str(error).split())
        raise ModelVersionError(
            f"base {name}: {path} is no GGUF file, or damaged or cut off ({reason}): fetch it again"
        ) from error
    if told := _hindrance(file):
        raise ModelVersionError(
            f"base {name}: {path} {told}, which cannot be converted: add the model it was made "
            "from, with its safetensors"
        )
    return file


def _hindrance(file: GgufFile) -> str | None:
    """Say what transformers would convert wrongly, without a word, or not at all."""
    architecture = file.metadata.get("general.architecture")
    if architecture not in _ARCHITECTURES:
        return f"is of the architecture {architecture} (there are {', '.join(_ARCHITECTURES)})"
    if (parts := file.metadata.get("split.count", 1)) > 1:
        return f"is one of {parts} parts (llama-gguf-split --merge puts them together)"
    if file.of_model("expert_count"):
        return "is a mixture of experts"
    if file.of_model("attention.sliding_window"):
        return "has layers that see a window only"
    if ROPE_FACTORS in file.tensors or file.of_model("rope.scaling.type") not in (None, "none"):
        return "scales its rotary embeddings"
    return None
