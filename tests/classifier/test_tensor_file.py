"""Tensors are read from what safetensors wrote; anything else is refused in a few words."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load as load_numpy
from safetensors.numpy import save
from safetensors.torch import load as load_torch

from classifier.tensor_file import check_tensors, read_metadata, read_tensors
from core.errors import ModelVersionError

PATH = Path("v") / "x.safetensors"
SHAPES = {"a": (2, 3), "b": (2,)}
READERS = [load_numpy, load_torch]


def whole() -> dict[str, NDArray[np.float32]]:
    return {name: np.ones(shape, np.float32) for name, shape in SHAPES.items()}


def headed(header: object, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def one(dtype: str | None, size: int, **changed: object) -> bytes:
    tensor = {"dtype": dtype, "shape": [2], "data_offsets": [0, size]} | changed
    return headed({"a": tensor}, bytes(size))


def test_what_was_written_is_read() -> None:
    content = save(whole(), {"units": "x"})

    tensors = read_tensors(PATH, content, load_numpy)

    check_tensors(PATH, tensors, SHAPES, np.isfinite)
    assert all(np.array_equal(tensors[name], tensor) for name, tensor in whole().items())
    assert read_metadata(PATH, content) == {"units": "x"}
    assert read_metadata(PATH, save(whole())) == {}


def refuse(content: bytes) -> None:
    for load in READERS:
        with pytest.raises(ModelVersionError, match=r"x\.safetensors: .*paidan train") as refused:
            read_tensors(PATH, content, load)
        assert str(refused.value).isprintable()
        assert len(str(refused.value)) < 600


@pytest.mark.parametrize("at", range(len(save(whole()))))
def test_a_file_that_ends_early_is_refused(at: int) -> None:
    refuse(save(whole())[:at])


@pytest.mark.parametrize("length", [0, 1, 2**31, 2**63, 2**64 - 1])
def test_a_header_of_another_length_is_refused(length: int) -> None:
    refuse(struct.pack("<Q", length) + save(whole())[8:])


@pytest.mark.parametrize(
    "content",
    [
        headed([]),
        headed(b"null"),
        headed({"a": 1}),
        headed({"a": {}}),
        headed(b"[" * 99_999),
        headed(b'{"a":' * 99_999),
        headed(b"\xff\xfe"),
        headed({"\x1b[2J\n" * 999: {"dtype": "F4"}}),
        one("F4", 1),
        one("F8_E8M0", 2),
        one("BF16", 4),
        one("F64", 16),
        one("I64", 16),
        one("f32", 8),
        one(None, 8),
        one("F32", 8, shape=[3]),
        one("F32", 8, shape=[2**62, 2**62]),
        one("F32", 8, shape=[-2]),
        one("F32", 8, data_offsets=[0, 2**63]),
        one("F32", 8, data_offsets=[8, 0]),
        b"\x80\x04K\x01.",
    ],
)
def test_what_safetensors_did_not_write_is_refused(content: bytes) -> None:
    refuse(content)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: {"a": t["a"]}, "has no tensor 'b'"),
        (lambda t: t | {"c": t["b"]}, "holds 'c', which no version has"),
        (lambda t: t | {"a": t["a"].T}, r"a is \(3, 2\), \(2, 3\) is expected"),
        (lambda t: t | {"b": t["b"] * np.nan}, "b holds values that are not finite"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(
    change: Callable[[dict[str, NDArray[np.float32]]], dict[str, NDArray[np.float32]]], told: str
) -> None:
    changed = change(whole())
    for tensors, is_finite in (
        (changed, np.isfinite),
        ({name: torch.tensor(tensor) for name, tensor in changed.items()}, torch.isfinite),
    ):
        with pytest.raises(ModelVersionError, match=told):
            check_tensors(PATH, tensors, SHAPES, is_finite)
