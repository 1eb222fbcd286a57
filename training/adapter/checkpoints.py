"""A training's checkpoints: each is sealed once it is whole, and one without its seal is none."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from core.json_text import parse_json
from core.whole import write_file

KEPT = 2
"""So many are kept: the newest, and the one before in case a power cut takes that."""

_SEAL = "whole.json"
_NAME = "checkpoint-"


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Where a training leaves its checkpoints, and how often.

    Parameters:
        folder: private, since optimizer and generators are read from there again.
        seconds: between two of them; 0 after each step. There is always one at the last step.
        saved: is told the step of each.
    """

    folder: Path
    seconds: float
    saved: Callable[[int], None] = lambda _: None

    def newest(self) -> Path | None:
        """Return the newest whole checkpoint, None where there is none; half ones are removed."""
        found = sorted(self.folder.glob(f"{_NAME}*"), key=step_of, reverse=True)
        whole = [path for path in found if is_whole(path)]
        for path in set(found) - set(whole):
            shutil.rmtree(path, ignore_errors=True)
        return whole[0] if whole else None


def step_of(checkpoint: Path) -> int:
    """Return at which step a checkpoint was made."""
    number = checkpoint.name.removeprefix(_NAME)
    return int(number) if number.isdigit() else -1


def seal(checkpoint: Path) -> None:
    """Write the hashes of all files there are, once these are on the disk.

    Raises:
        OSError: it cannot be written.
    """
    hashes = _hashes(checkpoint)
    for name in hashes:
        _sync(checkpoint / name)
    write_file(checkpoint / _SEAL, json.dumps(hashes).encode())
    _sync(checkpoint.parent)


def is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint has its seal, and every file is what it was then."""
    try:
        told = parse_json((checkpoint / _SEAL).read_bytes())
        return bool(told) and told == _hashes(checkpoint)
    except (OSError, ValueError):
        return False


def _hashes(checkpoint: Path) -> dict[str, str]:
    found = {}
    for path in sorted(checkpoint.rglob("*")):
        if path.is_file() and path.name != _SEAL:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[path.relative_to(checkpoint).as_posix()] = digest
    return found


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class CheckpointCallback(TrainerCallback):
    """Asks for a checkpoint from time to time, and at the last step."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        self._saved_at = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Ask for one where it is time."""
        del args
        is_time = time.monotonic() - self._saved_at >= self._checkpoints.seconds
        if is_time or state.global_step >= state.max_steps:
            control.should_save = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Tell of one."""
        del args, control
        self._saved_at = time.monotonic()
        self._checkpoints.saved(state.global_step)
