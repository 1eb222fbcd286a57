"""GPU pinning: by index, UUID or name, before any CUDA library is loaded."""

import os
from pathlib import Path

import pytest

from core.errors import DeviceError
from worker.gpu import Gpu, list_gpus, pick, pin

GPUS = [
    Gpu(0, "GPU-aaaa", "NVIDIA GeForce RTX 4090"),
    Gpu(1, "GPU-bbbb", "NVIDIA GeForce RTX 4090"),
    Gpu(2, "GPU-cccc", "NVIDIA H200"),
]


@pytest.mark.parametrize(
    ("wanted", "index"), [("1", 1), ("GPU-bbbb", 1), ("gpu-AAAA", 0), ("H200", 2), ("h200", 2)]
)
def test_a_gpu_is_found_by_index_uuid_or_name(wanted: str, index: int) -> None:
    assert pick(wanted, GPUS).index == index


@pytest.mark.parametrize("wanted", ["3", "RTX 3090", "GPU-dddd"])
def test_a_gpu_that_is_not_there_is_refused_with_those_there_are(wanted: str) -> None:
    with pytest.raises(DeviceError, match="GPU-cccc"):
        pick(wanted, GPUS)


def test_a_name_that_fits_two_cards_asks_for_one() -> None:
    with pytest.raises(DeviceError, match="index or UUID"):
        pick("RTX 4090", GPUS)


def test_no_gpu_at_all_says_so() -> None:
    with pytest.raises(DeviceError, match="--cpu"):
        pick("0", [])


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for NVIDIA's program, which no test machine has."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '0, GPU-aaaa, NVIDIA GeForce RTX 4090'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name in ("CUDA_VISIBLE_DEVICES", "TORCHDYNAMO_DISABLE"):
        monkeypatch.setenv(name, "before")  # so that it is put back
        monkeypatch.delenv(name)
    return program


def test_the_list_is_nvidia_smis(nvidia_smi: Path) -> None:
    assert list_gpus() == [GPUS[0]]


def test_a_broken_driver_counts_as_no_gpu(nvidia_smi: Path) -> None:
    nvidia_smi.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")

    assert list_gpus() == []


def test_pinning_makes_one_card_visible_by_uuid(nvidia_smi: Path) -> None:
    assert pin("RTX 4090", cpu=False) == "0: NVIDIA GeForce RTX 4090 (GPU-aaaa)"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-aaaa"
    assert "TORCHDYNAMO_DISABLE" not in os.environ


def test_the_first_card_is_taken_if_none_is_named(nvidia_smi: Path) -> None:
    pin(None, cpu=False)

    assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-aaaa"


@pytest.mark.parametrize(
    ("visible", "taken"),
    [("1", "GPU-bbbb"), ("2,0", "GPU-cccc"), ("GPU-bb", "GPU-bbbb"), ("", ""), ("-1", "")],
)
def test_of_visible_cards_the_first_is_taken(
    nvidia_smi: Path, monkeypatch: pytest.MonkeyPatch, visible: str, taken: str
) -> None:
    lines = "\n".join(f"{gpu.index}, {gpu.uuid}, {gpu.name}" for gpu in GPUS)
    nvidia_smi.write_text(f"#!/bin/sh\necho '{lines}'\n")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    pin(None, cpu=False)

    assert os.environ["CUDA_VISIBLE_DEVICES"] == taken


def test_a_visible_card_that_is_not_there_is_refused(
    nvidia_smi: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")

    with pytest.raises(DeviceError, match="GPU-aaaa"):
        pin(None, cpu=False)


def test_the_cpu_hides_every_card(nvidia_smi: Path) -> None:
    assert pin(None, cpu=True) == "cpu"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""


@pytest.mark.usefixtures("nvidia_smi")
def test_without_a_card_the_compiler_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    pin(None, cpu=True)
    assert os.environ["TORCHDYNAMO_DISABLE"] == "1"

    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "0")
    pin(None, cpu=True)
    assert os.environ["TORCHDYNAMO_DISABLE"] == "0"
