"""What linear layers read has the gradients of plain autograd."""

from collections.abc import Callable

import pytest
import torch

from classifier.model.decoder import norm
from training.adapter.fast.dropout import NO_DROPOUT, Dropout
from training.adapter.fast.inputs import AS_IT_IS, Input, gated, gated_product, normed

CPU = torch.device("cpu")
TOKENS, WIDTH, EPS = 40, 96, 1e-6
WEIGHT = torch.linspace(0.5, 2.0, WIDTH)
INPUTS: dict[str, tuple[Input, Callable[..., torch.Tensor], int]] = {
    "norm": (normed(CPU).over(WEIGHT, EPS), lambda x: norm(x, WEIGHT, EPS), 1),
    "gated": (gated_product(CPU), gated, 2),
    "as it is": (AS_IT_IS, lambda x: x, 1),
}


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_value_and_gradients_are_those_of_plain_autograd(name: str, dtype: torch.dtype) -> None:
    read, plain, count = INPUTS[name]
    torch.manual_seed(1)
    sources = tuple(
        (torch.randn(TOKENS, WIDTH) * 3).to(dtype).requires_grad_() for _ in range(count)
    )
    above = torch.randn(TOKENS, WIDTH).to(dtype)

    found, dropped = read.made(sources, NO_DROPOUT)

    expected = plain(*sources)
    assert dropped is found
    assert torch.equal(found, expected)
    wanted = torch.autograd.grad(expected, sources, above)
    error = 0.01 if dtype == torch.bfloat16 else 1e-6
    kept = tuple(one.detach() for one in sources)
    for ours, theirs in zip(read.back(above, kept), wanted, strict=True):
        assert ours.dtype == dtype
        assert float((ours - theirs).norm() / theirs.norm()) < error


@pytest.mark.parametrize("name", INPUTS)
def test_what_adapters_see_is_dropped_by_the_seed(name: str) -> None:
    read, plain, count = INPUTS[name]
    sources = tuple(torch.randn(TOKENS, WIDTH) for _ in range(count))
    dropout = Dropout(0.3, (1 << 47) + 5)

    x, seen = read.made(sources, dropout)

    assert torch.equal(x, plain(*sources))
    assert torch.equal(seen, dropout.of(x))
