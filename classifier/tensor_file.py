"""A version's tensors: read from a safetensors file that may be damaged or forged.

What safetensors itself takes is more than a version has: types that its readers do not know or that
nothing computes, and tensors that nobody asks for.
"""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError

from classifier.manifest import damaged
from core.json_text import parse_json

Tensor = TypeVar("Tensor")

FLOAT32 = ("F32",)
_LENGTH_BYTES = 8
_METADATA = "__metadata__"


def read_tensors(
    path: Path,
    content: bytes,
    load: Callable[[bytes], dict[str, Tensor]],
    types: Collection[str] = FLOAT32,
) -> dict[str, Tensor]:
    """Return a file's tensors by their names.

    Args:
        path: the file, for messages.
        content: its bytes.
        load: safetensors' reader of them, for torch or numpy.
        types: that a tensor may have, in safetensors' words.

    Raises:
        ModelVersionError: it is no safetensors file, or a tensor is of another type.
    """
    for name, tensor in _header(path, content).items():
        found = tensor.get("dtype")
        if name != _METADATA and found not in types:
            wanted = " or ".join(types)
            raise damaged(path, f"{name!r} is of type {found!r}, {wanted} is expected")
    try:
        return load(content)
    except (SafetensorError, ValueError) as error:
        raise damaged(path, f"not a safetensors file ({error})") from error


def read_metadata(path: Path, content: bytes) -> Mapping[str, str]:
    """Return what a file says beside its tensors.

    Raises:
        ModelVersionError: it is no safetensors file.
    """
    told: Mapping[str, str] = _header(path, content).get(_METADATA, {})
    return told


def check_tensors(
    path: Path,
    tensors: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    is_finite: Callable[[Any], Any],
) -> None:
    """Refuse a file that has not exactly these tensors, of finite numbers.

    Raises:
        ModelVersionError: one is missing, too many, of another shape, or not finite.
    """
    for name, shape in shapes.items():
        tensor = tensors.get(name)
        if tensor is None:
            raise damaged(path, f"has no tensor {name!r}")
        if tuple(tensor.shape) != shape:
            raise damaged(path, f"{name} is {tuple(tensor.shape)}, {shape} is expected")
        if not is_finite(tensor).all():
            raise damaged(path, f"{name} holds values that are not finite")
    strange = sorted(tensors.keys() - shapes.keys())
    if strange:
        raise damaged(path, f"holds {strange[0]!r}, which no version has")


def _header(path: Path, content: bytes) -> dict[str, Any]:
    """Return the header: a name and type, shape and place of each tensor."""
    length = int.from_bytes(content[:_LENGTH_BYTES], "little")
    try:
        header = parse_json(content[_LENGTH_BYTES : _LENGTH_BYTES + length])
    except ValueError as error:
        raise damaged(path, f"not a safetensors file ({error})") from error
    if not isinstance(header, dict) or not all(isinstance(one, dict) for one in header.values()):
        raise damaged(path, "not a safetensors file (its header is none)")
    return header
