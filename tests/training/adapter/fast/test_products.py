"""Products with an adapter: results and gradients are those of plain autograd."""

import pytest
import torch
from bitsandbytes.nn import Linear4bit
from torch import nn
from torch.nn.functional import linear

from classifier.model.lora import LoraLinear
from training.adapter.fast.dropout import NO_DROPOUT, Dropout
from training.adapter.fast.inputs import AS_IT_IS, gated, gated_product
from training.adapter.fast.products import LinearGroup, TrainedLinear, products, take_up

TOKENS, WIDTH, RANK, SCALE = 50, 128, 8, 0.5
GATED = gated_product(torch.device("cpu"))


def made(outputs: int, *, adapted: bool = True, bias: bool = False) -> TrainedLinear:
    layer = Linear4bit(WIDTH, outputs, bias=bias, quant_type="nf4", compute_dtype=torch.float32)
    layer.weight.data = torch.randn(outputs, WIDTH) / WIDTH**0.5
    layer.to("cpu")
    base = LoraLinear(layer, torch.float32)
    base.lay_out()
    if not adapted:
        return TrainedLinear(base, None, None, 1.0)
    a = nn.Parameter(torch.randn(RANK, WIDTH) / 10)
    return TrainedLinear(base, a, nn.Parameter(torch.randn(outputs, RANK) / 10), SCALE)


def group(*layers: TrainedLinear) -> LinearGroup:
    return LinearGroup(layers, torch.float32)


def plain(x: torch.Tensor, layer: TrainedLinear, dropped: torch.Tensor) -> torch.Tensor:
    found = linear(x, layer.base.full_weight(), layer.base.bias)
    if layer.a is None or layer.b is None:
        return found
    return found + layer.scale * linear(linear(dropped, layer.a), layer.b)


@pytest.mark.parametrize("dropout", [NO_DROPOUT, Dropout(0.3, 11)])
def test_results_and_gradients_are_those_of_plain_autograd(dropout: Dropout) -> None:
    # Given three layers that read the same, one of them without an adapter
    torch.manual_seed(0)
    layers = [made(96, bias=True), made(32, adapted=False), made(64)]
    sources = [torch.randn(TOKENS, WIDTH, requires_grad=True) for _ in range(2)]
    above = [torch.randn(TOKENS, outputs) for outputs in (96, 32, 64)]
    x = gated(*sources)
    trained = [
        *sources,
        *(one for layer in layers for one in (layer.a, layer.b) if one is not None),
    ]

    found = products(GATED, sources, group(*layers), dropout)

    expected = [plain(x, layer, dropout.of(x)) for layer in layers]
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)
    gradients = (
        torch.autograd.grad(
            sum((y * dy).sum() for y, dy in zip(results, above, strict=True)), trained
        )
        for results in (found, expected)
    )
    for ours, theirs in zip(*gradients, strict=True):
        assert float((ours - theirs).norm() / theirs.norm()) < 1e-5


def test_what_needs_no_gradient_gets_none() -> None:
    torch.manual_seed(0)
    layer = made(16)
    fixed, moved = torch.randn(TOKENS, WIDTH), torch.randn(TOKENS, WIDTH, requires_grad=True)

    products(GATED, [fixed, moved], group(layer), NO_DROPOUT)[0].sum().backward()
    alone = products(AS_IT_IS, [fixed], group(layer), NO_DROPOUT)[0]
    alone.sum().backward()

    assert fixed.grad is None
    assert moved.grad is not None
    assert layer.a is not None
    assert layer.a.grad is not None


def test_what_stands_between_is_kept_only_as_what_it_is_made_of() -> None:
    layer = made(16)
    sources = [torch.randn(TOKENS, WIDTH, requires_grad=True) for _ in range(2)]
    kept: list[torch.Tensor] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        products(GATED, sources, group(layer), NO_DROPOUT)

    assert [tuple(one.shape) for one in kept] == [(TOKENS, RANK), *[(TOKENS, WIDTH)] * 2]


def test_what_the_optimizer_did_is_computed_with_once_it_is_taken_up() -> None:
    torch.manual_seed(0)
    layer, plain_layer = made(16), made(8, adapted=False)
    both = group(layer, plain_layer)
    x = torch.randn(TOKENS, WIDTH)
    assert layer.a is not None
    assert layer.b is not None
    layer.a.data += 0.1
    layer.b.data *= 3

    take_up([both])

    found = products(AS_IT_IS, [x], both, NO_DROPOUT)
    for ours, one in zip(found, both.linears, strict=True):
        assert torch.allclose(ours, plain(x, one, x), atol=1e-5)
