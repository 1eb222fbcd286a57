"""The head while it is learned: its loss against the formulas, and what it hands out."""

import pytest
import torch

from training.adapter.recipe import AnswerLosses
from training.adapter.unit_head import UnitHead

HIDDEN, ROWS = 6, torch.tensor([0, 2, 1, 2])


def head_of(seed: int = 3407, **settings: float) -> UnitHead:
    return UnitHead(("A", "B", "C"), HIDDEN, AnswerLosses(**settings), seed)


@pytest.fixture
def hidden() -> torch.Tensor:
    return torch.randn(4, HIDDEN, generator=torch.Generator().manual_seed(1)) * 3


def probabilities(head: UnitHead, hidden: torch.Tensor) -> torch.Tensor:
    logits = hidden.double() @ head.weight.double().T + head.bias.double()
    return logits.exp() / logits.exp().sum(dim=1, keepdim=True)


def test_the_loss_is_the_sum_of_the_tickets_negative_log_likelihoods(hidden: torch.Tensor) -> None:
    head = head_of()

    right = probabilities(head, hidden)[range(4), ROWS]

    assert head.loss(hidden, ROWS).item() == pytest.approx(-right.log().sum().item(), rel=1e-5)


def test_a_smoothed_label_gives_each_unit_its_share(hidden: torch.Tensor) -> None:
    head = head_of(label_smoothing=0.3)
    wanted = torch.full((4, 3), 0.1, dtype=torch.float64)
    wanted[range(4), ROWS] += 0.7

    expected = -(wanted * probabilities(head, hidden).log()).sum().item()

    assert head.loss(hidden, ROWS).item() == pytest.approx(expected, rel=1e-5)


def test_briers_score_is_added_with_its_weight(hidden: torch.Tensor) -> None:
    right = torch.zeros(4, 3, dtype=torch.float64)
    right[range(4), ROWS] = 1

    squared = (probabilities(head_of(), hidden) - right).square().sum().item()
    added = head_of(brier=0.5).loss(hidden, ROWS) - head_of().loss(hidden, ROWS)

    assert added.item() == pytest.approx(squared / 2, rel=1e-4)


def test_a_ticket_counts_by_its_weight(hidden: torch.Tensor) -> None:
    head = head_of(brier=0.5, label_smoothing=0.1)
    alone = [head.loss(hidden[n : n + 1], ROWS[n : n + 1]).item() for n in range(4)]

    found = head.loss(hidden, ROWS, torch.tensor([1, 0.3, 2, 0]))

    assert found.item() == pytest.approx(alone[0] + 0.3 * alone[1] + 2 * alone[2], rel=1e-5)


def test_it_computes_in_float32_whatever_the_model_does(hidden: torch.Tensor) -> None:
    head = head_of()
    coarse = hidden.to(torch.bfloat16).requires_grad_()

    with torch.autocast("cpu", torch.bfloat16):
        loss = head.loss(coarse, ROWS)
    loss.backward()

    assert torch.equal(loss, head.loss(coarse.float(), ROWS))
    assert coarse.grad is not None
    assert head.weight.grad is not None
    assert head.weight.grad.dtype == torch.float32


def test_it_begins_alike_for_a_seed_and_hands_out_its_rows_by_unit() -> None:
    first, again, other = head_of(), head_of(), head_of(seed=1)

    learned = first.learned()

    assert learned.codes == ("A", "B", "C")
    assert torch.equal(learned.weight, again.learned().weight)
    assert not torch.equal(learned.weight, other.learned().weight)
    assert not learned.weight.requires_grad
