"""The correction turns a token's loss into that of a distribution, with its gradients."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from training.adapter.soft.correction import correction

PLACES, WIDTH, VOCABULARY = 3, 8, 11


def test_with_it_loss_and_gradient_are_the_cross_entropy_of_the_distribution() -> None:
    # Given a distribution at each place, and the token that stands there
    random = torch.Generator().manual_seed(1)
    head = torch.randn(VOCABULARY, WIDTH, generator=random)
    hidden = torch.randn(PLACES, WIDTH, generator=random).requires_grad_()
    wanted = torch.rand(PLACES, VOCABULARY, generator=random)
    wanted /= wanted.sum(dim=1, keepdim=True)
    follows = torch.tensor([4, 0, 9])

    # When each token's weight is its probability, less 1 for the one that stands there
    weights = wanted.clone()
    weights[range(PLACES), follows] -= 1
    hard = cross_entropy(hidden @ head.T, follows, reduction="sum")
    every = torch.arange(VOCABULARY).repeat(PLACES)
    states = hidden.repeat_interleave(VOCABULARY, dim=0)
    found = hard + correction(states, head, every, weights.flatten())

    expected = cross_entropy(hidden @ head.T, wanted, reduction="sum")
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    [gradient], [plain] = (torch.autograd.grad(one, hidden) for one in (found, expected))
    assert torch.allclose(gradient, plain, atol=1e-5)


def test_it_computes_in_float32_and_nothing_is_no_correction() -> None:
    head = torch.ones(VOCABULARY, WIDTH, dtype=torch.bfloat16)
    hidden = torch.full((2, WIDTH), 1.01, dtype=torch.bfloat16)

    found = correction(hidden, head, torch.tensor([0, 1]), torch.tensor([0.3, -0.1]))
    none = correction(hidden[:0], head, torch.empty(0, dtype=torch.long), torch.empty(0))

    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(-0.2 * WIDTH * float(hidden[0, 0]), rel=1e-5)
    assert none.item() == 0
