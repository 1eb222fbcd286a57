"""The product of a compiled linear layer."""

import torch

from classifier.model.conversion import fp8_weights
from classifier.model.linear_weights import FP8_MAX, product
from classifier.model.lora import LayerAdapter, LoraLinear


def test_a_product_in_float8_is_that_of_the_rounded_factors() -> None:
    torch.manual_seed(0)
    layer = LoraLinear(torch.nn.Linear(256, 96), torch.float32)
    layer.adapter = LayerAdapter(torch.randn(5, 256), torch.randn(96, 5), 0.1)
    x = torch.randn(32, 256) * torch.logspace(-3, 3, 32)[:, None]  # a scale for each token

    with torch.no_grad():
        found = product(x, fp8_weights(layer))
        weight = in_float8(layer.weight + 0.1 * layer.adapter.b @ layer.adapter.a)
        expected = in_float8(x) @ weight.t()
        exact = layer(x) - layer.bias

    assert layer.bias is not None
    assert torch.allclose(found - layer.bias, expected, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(exact, expected, rtol=1e-3, atol=1e-3)


def in_float8(rows: torch.Tensor) -> torch.Tensor:
    """Rows as float8 with a scale each has them."""
    scale = rows.abs().amax(1, keepdim=True) / FP8_MAX
    return (rows / scale).to(torch.float8_e4m3fn).float() * scale
