"""Where a device is: by that a worker and a trainer know that they share one."""

import socket

CPU = "cpu"


def place_of(device: str) -> str:
    """Return a name that no device of another machine has.

    Args:
        device: a GPU as ``worker.gpu.pin`` names it, with its UUID; or ``CPU``.
    """
    return f"{CPU}@{socket.gethostname()}" if device == CPU else device
