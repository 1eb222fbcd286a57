"""The names' loss by chunks is the weighted cross-entropy, with its gradient."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from training.adapter import vocabulary
from training.adapter.vocabulary import summed_nll


@pytest.mark.parametrize("chunk", [1, 4, 512])
def test_loss_and_gradient_are_the_weighted_cross_entropys(
    monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(vocabulary, "CHUNK", chunk)
    torch.manual_seed(0)
    hidden = torch.randn(10, 16, requires_grad=True)
    head, wanted = torch.randn(50, 16), torch.randint(50, (10,))
    weights = torch.tensor([3.0] * 4 + [1.0] * 6)

    found = summed_nll(hidden, head, wanted, weights)

    expected = (cross_entropy(hidden @ head.t(), wanted, reduction="none") * weights).sum()
    assert torch.isclose(found, expected)
    ours, theirs = (torch.autograd.grad(loss / 7, [hidden])[0] for loss in (found, expected))
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_without_a_gradient_the_loss_is_the_same() -> None:
    torch.manual_seed(0)
    hidden, head = torch.randn(4, 16), torch.randn(50, 16)
    wanted = torch.tensor([1, 2, 3, 49])

    with torch.no_grad():
        found = summed_nll(hidden, head, wanted, torch.ones(4))

    assert torch.isclose(found, cross_entropy(hidden @ head.t(), wanted, reduction="sum"))
