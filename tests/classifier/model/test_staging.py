"""Arrays on their way to the device."""

import numpy as np

from classifier.model.staging import Staging
from tests.support.runners import CPU


def test_what_was_sent_stays_when_the_buffer_is_used_again() -> None:
    staging = Staging(CPU)

    first, second = staging.send(np.arange(3), np.array([7], dtype=np.int32))
    staging.send(np.zeros(100, dtype=np.int64))  # the buffer has to grow
    staging.send(np.zeros(4, dtype=np.int64))

    assert (first.tolist(), second.tolist()) == ([0, 1, 2], [7])
    assert str(first.dtype) == "torch.int32"
