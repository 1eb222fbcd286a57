"""Compiled is what runs on a GPU, once for all lengths."""

import pytest
import torch

from training.adapter.fast.compilation import any_length, compiled


def doubled(x: torch.Tensor) -> torch.Tensor:
    return x * 2


def test_without_a_gpu_nothing_is_compiled() -> None:
    any_length(torch.ones(3))

    assert compiled(doubled, torch.device("cpu")) is doubled


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here: make test-gpu")
@pytest.mark.filterwarnings("ignore")
def test_on_a_gpu_one_compilation_takes_any_length() -> None:
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    function = compiled(doubled, torch.device("cuda"))

    for length in (300, 301, 7000):
        x = torch.ones(length, 4, device="cuda")
        any_length(x)
        assert torch.equal(function(x), x + x)

    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
