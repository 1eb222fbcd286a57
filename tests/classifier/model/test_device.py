"""The device a process was pinned to, and what it computes."""

import pytest
import torch

from classifier.model.device import check_mode, compute_dtype, pick_device
from classifier.model.mode import Mode
from core.errors import DeviceError
from tests.support.runners import CPU


@pytest.fixture(autouse=True)
def no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.parametrize("pinned", [None, "", "-1"])
def test_a_process_that_is_pinned_to_no_gpu_computes_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch, pinned: str | None
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if pinned is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", pinned)

    assert pick_device() == CPU
    assert compute_dtype(CPU) == torch.float32


def test_a_gpu_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")

    with pytest.raises(DeviceError, match="GPU 3 is not there"):
        pick_device()


@pytest.mark.parametrize("mode", ["bf16", "fp8"])
def test_a_mode_of_gpus_is_refused_on_the_cpu(mode: Mode) -> None:
    with pytest.raises(DeviceError, match=f"mode {mode} needs a GPU"):
        check_mode(mode, CPU)


def test_fp8_is_refused_on_a_gpu_that_cannot_multiply_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (8, 6))

    with pytest.raises(DeviceError, match=r"8\.9 .* this one has 8\.6"):
        check_mode("fp8", torch.device("cuda"))
    check_mode("bf16", torch.device("cuda"))
