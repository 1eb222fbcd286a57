"""Whether a base's weights are those that its configuration asks for.

transformers fills what it does not find with random numbers, and leaves out what it does not know,
with a warning at most. So names, shapes and types in the headers are compared with the model first.
No weight is loaded for that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.model.bases.config import check_quantization, described_model
from classifier.model.bases.files import read_json, weight_files
from core.errors import ModelVersionError

# The types, in safetensors' words, of weights that are not quantised.
_FLOATS = ("BF16", "F16", "F32")
_HEAD, _EMBEDDINGS = "lm_head.weight", "model.embed_tokens.weight"
# Older files have this, too; it is computed from the configuration.
_COMPUTED = "rotary_emb.inv_freq"
# What bitsandbytes keeps beside a matrix of four bits.
_NF4_STATE = ".quant_state.bitsandbytes__nf4"
_BESIDE_NF4 = (".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", _NF4_STATE)


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a header says of a tensor."""

    file: str
    shape: tuple[int, ...]
    dtype: str


def check_tensors(path: Path, name: str) -> None:
    """Compare the weights' headers with the model of the configuration.

    Raises:
        ModelVersionError: a file is cut off, a tensor is missing, too many or of another shape or
            type, or the configuration asks for what Paidan does not compute.
    """
    config = read_json(path / "config.json", name)
    is_nf4 = check_quantization(config, name)
    stored = _headers(path, name)
    model = described_model(path, name, config)
    expected = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    tied = bool(model.config.tie_word_embeddings)
    if is_nf4:
        _check_nf4(config, stored, name)
        stored = _without_states(stored, expected)
    if tied:
        expected.pop(_HEAD, None)
    told = _difference(expected, stored, tied=tied)
    if told is not None:
        raise ModelVersionError(
            f"base {name}: {told}. Do config.json and the weights belong together, and was all of "
            "them fetched?"
        )


def check_values(path: Path, name: str) -> None:
    """Read all weights once.

    Raises:
        ModelVersionError: some are no numbers, or a head differs from the embeddings it is tied to.
    """
    import torch
    from safetensors import safe_open

    tied = bool(read_json(path / "config.json", name).get("tie_word_embeddings"))
    alike = []
    for file in weight_files(path, name):
        with safe_open(path / file, framework="pt") as opened:
            for key in opened.keys():  # noqa: SIM118 - it is no mapping
                tensor = opened.get_tensor(key)
                if not _is_finite(tensor):
                    raise ModelVersionError(
                        f"base {name}: {key} in {path / file} holds values that are no numbers "
                        "(NaN or infinite): fetch the file again, or take another base"
                    )
                if tied and key in (_HEAD, _EMBEDDINGS):
                    alike.append(tensor)
    if len(alike) > 1 and not torch.equal(*alike):
        raise ModelVersionError(
            f"base {name}: config.json ties the head to the embeddings (tie_word_embeddings), but "
            f"the weights hold another {_HEAD}"
        )


def _is_finite(tensor: Any) -> bool:
    import torch

    if not tensor.is_floating_point() or not tensor.numel():
        return True
    return bool(torch.stack(torch.aminmax(tensor)).float().isfinite().all())


def _check_nf4(config: Mapping[str, Any], stored: Mapping[str, _Stored], name: str) -> None:
    """Refuse matrices that are said to be NF4 and are not."""
    plain = config["quantization_config"].get("llm_int8_skip_modules") or ()
    for key in stored:
        is_matrix = key.endswith("_proj.weight") and not any(part in key for part in plain)
        if is_matrix and key + _NF4_STATE not in stored:
            raise ModelVersionError(
                f"base {name}: config.json says that its weights are NF4 (quantization_config), "
                f"but {key} is not: take the config.json that belongs to these weights"
            )


def _headers(path: Path, name: str) -> dict[str, _Stored]:
    from safetensors import SafetensorError, safe_open

    found = {}
    for file in weight_files(path, name):
        try:
            with safe_open(path / file, framework="pt") as opened:
                for key in opened.keys():  # noqa: SIM118 - it is no mapping
                    header = opened.get_slice(key)
                    found[key] = _Stored(file, tuple(header.get_shape()), header.get_dtype())
        except (SafetensorError, OSError) as error:
            raise ModelVersionError(
                f"base {name}: {path / file} is damaged or cut off ({error}): fetch it again"
            ) from error
    return found


def _without_states(
    stored: Mapping[str, _Stored], expected: Mapping[str, tuple[int, ...]]
) -> dict[str, _Stored]:
    """Return NF4 weights under their matrices' shapes, without what lies beside them."""
    found = {}
    for key, tensor in stored.items():
        if key + _NF4_STATE in stored and tensor.dtype == "U8":
            found[key] = _Stored(tensor.file, expected.get(key, tensor.shape), "BF16")
        elif not key.endswith(_BESIDE_NF4):
            found[key] = tensor
    return found


def _difference(
    expected: Mapping[str, tuple[int, ...]], stored: Mapping[str, _Stored], *, tied: bool
) -> str | None:
    """Say where the weights are not the model's, or nothing."""
    missing = [key for key in expected if key not in stored]
    if missing == [_HEAD]:
        return (
            "config.json says that the head is not tied to the embeddings (tie_word_embeddings), "
            f"but the weights have no {_HEAD}"
        )
    if missing:
        return f"the weights lack {len(missing)} of {len(expected)} tensors, such as {missing[0]}"
    known = {*expected, _HEAD} if tied else expected
    extra = [key for key in stored if key not in known and not key.endswith(_COMPUTED)]
    if extra:
        return f"config.json asks for {len(extra)} tensors less, without {extra[0]} for example"
    for key, shape in expected.items():
        held = stored[key]
        if held.shape != shape:
            return f"{key} is {_by(held.shape)} in {held.file}, config.json asks for {_by(shape)}"
        if held.dtype not in _FLOATS:
            return f"{key} is of type {held.dtype} in {held.file}, not one of {', '.join(_FLOATS)}"
    return None


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
