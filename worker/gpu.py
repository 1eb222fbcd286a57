"""GPU pinning: one worker sees one GPU, chosen before any CUDA library is loaded."""

import csv
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import DeviceError

_QUERY_TIMEOUT_S = 30
_MAX_DEVICE_CHARS = 200  # what the heartbeat's row takes
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_NO_COMPILER = "TORCHDYNAMO_DISABLE"


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU as nvidia-smi lists it."""

    index: int
    uuid: str
    name: str

    def __str__(self) -> str:
        return f"{self.index}: {self.name} ({self.uuid})"


def list_gpus() -> list[Gpu]:
    """Return this machine's NVIDIA GPUs, [] where there is no driver. CUDA is not touched."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = [program, "--query-gpu=index,uuid,name", "--format=csv,noheader"]
    done = subprocess.run(
        query, capture_output=True, text=True, timeout=_QUERY_TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        return []
    rows = csv.reader(done.stdout.splitlines(), skipinitialspace=True)
    return [Gpu(int(index), uuid, name) for index, uuid, name in rows]


def pick(wanted: str, gpus: Sequence[Gpu]) -> Gpu:
    """Find a GPU by index ("0"), UUID or part of its name ("RTX 4090").

    Raises:
        DeviceError: none or several fit; lists what is there.
    """
    there = "\n".join(f"  {gpu}" for gpu in gpus)
    if not gpus:
        raise DeviceError(
            f"--gpu {wanted!r}: no NVIDIA GPU is visible here (nvidia-smi lists none); "
            "install the driver, or use --cpu"
        )
    if wanted.isdigit():
        fitting = [gpu for gpu in gpus if gpu.index == int(wanted)]
    else:
        folded = wanted.casefold()
        fitting = [gpu for gpu in gpus if gpu.uuid.casefold() == folded] or [
            gpu for gpu in gpus if folded in gpu.name.casefold()
        ]
    if not fitting:
        raise DeviceError(f"--gpu {wanted!r}: no such GPU here. There are:\n{there}")
    if len(fitting) > 1:
        raise DeviceError(
            f"--gpu {wanted!r} fits several GPUs; name one by index or UUID:\n{there}"
        )
    return fitting[0]


def is_pinned() -> bool:
    """Whether this process was pinned to a GPU."""
    return bool(os.environ.get(_VISIBLE))


def is_present() -> bool:
    """Whether the GPU this process is pinned to is listed; true where it is pinned to none.

    nvidia-smi is asked, not CUDA: a process in which CUDA failed once never gets it back.
    """
    pinned = os.environ.get(_VISIBLE)
    return not pinned or any(gpu.uuid == pinned for gpu in list_gpus())


def pin(wanted: str | None, *, cpu: bool) -> str:
    """Make one GPU, or none, visible to this process and its children; return the device's name.

    Without a GPU, torch's compiler is off, unless ``TORCHDYNAMO_DISABLE`` says otherwise.
    With neither ``wanted`` nor ``cpu``, the first GPU is taken of those that
    ``CUDA_VISIBLE_DEVICES`` leaves, or the CPU where there is none.

    Raises:
        DeviceError: the GPU asked for is not there.
    """
    gpus = [] if cpu else list_gpus()
    if wanted is not None and not cpu:
        chosen: Gpu | None = pick(wanted, gpus)
    else:
        chosen = _first_visible(gpus)
    # By UUID: indices follow CUDA_DEVICE_ORDER and change when a card is added.
    os.environ[_VISIBLE] = chosen.uuid if chosen else ""
    if chosen is None:
        # No CPU code of ours is compiled. bitsandbytes loads torch's compiler all the same.
        os.environ.setdefault(_NO_COMPILER, "1")
    return str(chosen)[:_MAX_DEVICE_CHARS] if chosen else "cpu"


def _first_visible(gpus: Sequence[Gpu]) -> Gpu | None:
    """Return the first GPU that this process' environment leaves, by nvidia-smi's index or UUID."""
    asked = os.environ.get(_VISIBLE)
    if asked is None or not gpus:
        return gpus[0] if gpus else None
    first = asked.split(",")[0].strip()
    if first in ("", "-1"):
        return None
    for gpu in gpus:
        if first == str(gpu.index) or (not first.isdigit() and gpu.uuid.startswith(first)):
            return gpu
    there = "\n".join(f"  {gpu}" for gpu in gpus)
    raise DeviceError(
        f"{_VISIBLE}={asked} names no GPU here; unset it, or choose with --gpu. There are:\n{there}"
    )
