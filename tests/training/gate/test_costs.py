"""What answering takes."""

from training.gate.costs import Costs


def test_memory_may_be_unknown() -> None:
    assert Costs(0.1).peak_bytes is None
