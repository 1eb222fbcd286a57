"""The head's file: written and read alike, and refused where it does not fit."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from classifier.labels.head import HEAD, Head
from classifier.version_files import read_manifest
from core.errors import ModelVersionError
from registry.writer import write_version
from tests.support.versions import NAME, a_manifest

HIDDEN = 8
CODES = ("A", "B")


def a_head(codes: tuple[str, ...] = CODES) -> Head:
    torch.manual_seed(0)
    return Head(codes, torch.randn(len(codes), HIDDEN), torch.randn(len(codes)))


def test_logits_are_computed_in_float32_whatever_the_model_computes_in() -> None:
    head, hidden = a_head(), torch.randn(3, HIDDEN).bfloat16()

    found = head.logits(hidden)

    assert found.dtype == torch.float32
    assert torch.allclose(found, hidden.float() @ head.weight.t() + head.bias, atol=1e-6)


def test_a_written_head_is_read_alike(tmp_path: Path) -> None:
    head = a_head(("B", "A"))
    write_version(tmp_path / NAME, a_manifest(), head.save)

    read = Head.load(tmp_path / NAME, read_manifest(tmp_path / NAME), HIDDEN)

    assert read is not None
    assert read.codes == ("B", "A")
    assert torch.equal(read.weight, head.weight)
    assert torch.equal(read.bias, head.bias)


def test_a_version_without_a_head_has_none(tmp_path: Path) -> None:
    assert Head.load(tmp_path, a_manifest(), HIDDEN) is None


def _tensors(**changed: torch.Tensor | None) -> bytes:
    head = a_head()
    tensors = {"weight": head.weight, "bias": head.bias} | changed
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    return save(kept, metadata={"units": json.dumps(CODES)})


def _units(codes: object) -> bytes:
    head = a_head()
    return save({"weight": head.weight, "bias": head.bias}, metadata={"units": json.dumps(codes)})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (lambda: b"\x00\x01", "not a safetensors file"),
        (lambda: save({"weight": torch.zeros(2, HIDDEN)}), "not a head"),
        (lambda: _units(["A"]), r"weight is \(2, 8\), \(1, 8\) is expected"),
        (lambda: _units(["A", "A"]), "its units are not the manifest's"),
        (lambda: _units(["A", "X"]), "its units are not the manifest's"),
        (lambda: _units([]), "its units are not the manifest's"),
        (lambda: _units("AB"), "its units are no list of codes"),
        (lambda: _units([["A"], "B"]), "its units are no list of codes"),
        (lambda: _tensors(more=torch.zeros(1)), "holds 'more', which no version has"),
        (lambda: _tensors(bias=None), "has no tensor 'bias'"),
        (
            lambda: _tensors(weight=torch.zeros(2, HIDDEN).half()),
            "'weight' is of type 'F16', F32 is expected",
        ),
        (lambda: _tensors(bias=torch.full((2,), torch.nan)), "bias holds values that are not fin"),
    ],
)
def test_a_head_that_does_not_fit_is_refused(content: Callable[[], bytes], told: str) -> None:
    with pytest.raises(ModelVersionError, match=told):
        Head.parse(Path("v") / HEAD, content(), CODES, HIDDEN)
