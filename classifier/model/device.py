"""The device a model runs on, and what it computes there."""

import os

import torch

from classifier.model.mode import Mode
from core.errors import DeviceError

FP8_CAPABILITY = 8, 9
"""Compute capability of the first GPUs that multiply float8."""


def pick_device() -> torch.device:
    """Return the GPU this process was pinned to, or the CPU where it was pinned to none.

    Raises:
        DeviceError: it was pinned to a GPU that CUDA does not see (any more).
    """
    if torch.cuda.is_available():
        return torch.device("cuda", 0)
    pinned = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if pinned not in ("", "-1"):
        raise DeviceError(
            f"GPU {pinned} is not there: CUDA sees none. Is the card visible to nvidia-smi, and "
            "does torch have CUDA? With --cpu the worker uses none"
        )
    return torch.device("cpu")


def compute_dtype(device: torch.device) -> torch.dtype:
    """Return the dtype of the computation: bfloat16 on a GPU, float32 on a CPU."""
    return torch.bfloat16 if device.type == "cuda" else torch.float32


def check_mode(mode: Mode, device: torch.device) -> None:
    """Refuse a mode that the device does not compute."""
    if mode in ("bf16", "fp8") and device.type != "cuda":
        raise DeviceError(f"mode {mode} needs a GPU; on the CPU there are nf4 and full")
    if mode == "fp8" and (has := torch.cuda.get_device_capability(device)) < FP8_CAPABILITY:
        raise DeviceError(
            f"mode fp8 needs a GPU of compute capability {_dotted(FP8_CAPABILITY)} (RTX 40, L40, "
            f"H100) or more, this one has {_dotted(has)}: choose PAIDAN_MODEL_MODE=nf4"
        )


def _dotted(capability: tuple[int, int]) -> str:
    return ".".join(map(str, capability))
