"""A dropout is drawn by its seed alone, evenly and independently."""

import pytest
import torch

from training.adapter.fast.dropout import NO_DROPOUT, Dropout

SHAPE = 400, 500
TOLD = 4 / (SHAPE[0] * SHAPE[1]) ** 0.5
"""Four standard errors of a coin that is tossed for each number."""


def dropped(dropout: Dropout) -> torch.Tensor:
    return (dropout.of(torch.ones(SHAPE)) == 0).float()


@pytest.mark.parametrize("share", [0.05, 0.5])
@pytest.mark.parametrize("seed", [0, 1, 7, 123_456_789, (1 << 48) - 1])
def test_so_large_a_share_is_dropped_and_the_mean_stays(share: float, seed: int) -> None:
    found = Dropout(share, seed).of(torch.ones(SHAPE))

    assert abs(float((found == 0).float().mean()) - share) < TOLD
    assert torch.allclose(found[found != 0], torch.tensor(1 / (1 - share)))
    rows, columns = ((found == 0).float().mean(dim) for dim in (1, 0))
    for means, tosses in ((rows, SHAPE[1]), (columns, SHAPE[0])):
        expected = (share * (1 - share) / tosses) ** 0.5
        assert abs(float(means.std()) / expected - 1) < 0.25


def test_it_is_the_same_each_time_and_another_for_another_seed() -> None:
    dropout = Dropout(0.5, 3)
    first = dropped(dropout)

    assert torch.equal(first, dropped(dropout))
    for number in (1, 2, 64, 1 << 20):
        both = torch.stack((first.flatten(), dropped(dropout.at(number)).flatten()))
        assert abs(float(torch.corrcoef(both)[0, 1])) < TOLD


def test_neighbours_are_dropped_independently() -> None:
    found = dropped(Dropout(0.5, 11))

    for one, other in ((found[:, 1:], found[:, :-1]), (found[1:], found[:-1])):
        both = torch.stack((one.flatten(), other.flatten()))
        assert abs(float(torch.corrcoef(both)[0, 1])) < TOLD


def test_without_a_share_nothing_is_done() -> None:
    ones = torch.ones(3)

    assert NO_DROPOUT.of(ones) is ones


def test_it_keeps_the_precision_it_is_given() -> None:
    assert Dropout(0.5, 1).of(torch.ones(8, 8, dtype=torch.bfloat16)).dtype == torch.bfloat16


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here: make test-gpu")
@pytest.mark.filterwarnings("ignore")
def test_on_a_gpu_the_same_is_dropped_by_few_compilations() -> None:
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    x = torch.randn(SHAPE)

    for seed in range(2, 60, 7):
        dropout = Dropout(0.3, seed)
        assert torch.allclose(dropout.of(x.cuda()).cpu(), dropout.of(x))

    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] <= 2
