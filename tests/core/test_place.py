"""A device has one name, wherever it is named from."""

import socket

from core.place import place_of


def test_a_machines_cpu_is_no_other_machines() -> None:
    assert place_of("cpu") == f"cpu@{socket.gethostname()}"


def test_a_gpu_is_named_by_its_uuid_already() -> None:
    assert place_of("0: NVIDIA L4 (GPU-1)") == "0: NVIDIA L4 (GPU-1)"
