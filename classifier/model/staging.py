"""Arrays on their way between host and device through pinned memory, without waiting."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


class Staging:
    """A pinned buffer through which arrays go to the device.

    Args:
        device: of the model.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._buffer = torch.zeros(0, dtype=torch.int32)
        self._sent: torch.cuda.Event | None = None

    def send(self, *contents: NDArray[Any]) -> Sequence[torch.Tensor]:
        """Return one-dimensional arrays as int32 on the device."""
        lengths = [len(values) for values in contents]
        total = sum(lengths)
        if self._buffer.numel() < total:
            pinned = self.device.type == "cuda"
            self._buffer = torch.empty(2 * total, dtype=torch.int32, pin_memory=pinned)
        if self._sent is not None:
            self._sent.synchronize()  # until then the buffer is still being read
        np.concatenate(contents, out=self._buffer[:total].numpy(), casting="same_kind")
        sent = self._buffer[:total].to(self.device, non_blocking=True, copy=True)
        if self.device.type == "cuda":
            self._sent = record_event()
        return torch.split(sent, lengths)


def record_event() -> torch.cuda.Event:
    """Return an event at this place of the device's work, with its time."""
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record()
    return event
