"""Weights for the compiled layers, by mode."""

import pytest
import torch
from bitsandbytes.nn import Linear4bit

from classifier.model.conversion import CONVERSIONS, fp8_weights, kept_weights, merged_weights
from classifier.model.linear_weights import FP8_MAX, product
from classifier.model.lora import LayerAdapter, LoraLinear
from classifier.model.mode import Mode
from classifier.model.nf4_op import nf4_weight


@pytest.mark.parametrize("nested", [False, True])
def test_a_weight_is_bitsandbytes_weight_plus_the_adapter(nested: bool) -> None:
    torch.manual_seed(0)
    plain = torch.nn.Linear(256, 96)
    kept = Linear4bit(256, 96, quant_type="nf4", compress_statistics=nested)
    kept.load_state_dict(plain.state_dict())
    layer = LoraLinear(kept.to("cpu"), torch.float32)
    expected = layer.full_weight()

    layer.lay_out()
    layer.adapter = LayerAdapter(torch.randn(5, 256), torch.randn(96, 5), 0.5)
    adapted = kept_weights(layer)

    assert torch.equal(layer.full_weight(), expected)
    assert adapted.scales is not None
    whole = nf4_weight(adapted.weight, adapted.scales, adapted.a, adapted.b, torch.float32)
    expected += 0.5 * layer.adapter.b @ layer.adapter.a
    assert torch.allclose(whole, expected, atol=1e-5)


def test_a_merged_weight_is_the_weight_plus_the_adapter() -> None:
    layer = adapted_layer()

    merged = merged_weights(layer)

    assert layer.adapter is not None
    expected = layer.weight + 0.5 * layer.adapter.b @ layer.adapter.a
    assert (merged.scales, merged.a, merged.b) == (None, None, None)
    assert torch.allclose(merged.weight, expected, atol=1e-5)


def test_a_weight_in_float8_uses_all_of_its_range_in_each_row() -> None:
    rounded = fp8_weights(adapted_layer())

    assert rounded.weight.dtype == torch.float8_e4m3fn
    assert rounded.weight.float().abs().amax(1).tolist() == [FP8_MAX] * 96


def test_every_modes_product_is_nearly_the_layers_own() -> None:
    layer = adapted_layer()
    x = torch.randn(32, 256)

    with torch.no_grad():
        expected = layer(x)
        errors = {
            mode: (product(x, convert(layer)) - expected).abs().max() / expected.abs().max()
            for mode, convert in CONVERSIONS.items()
        }

    assert errors.pop("fp8") < 0.1
    assert max(errors.values()) < 1e-5


@pytest.mark.parametrize("mode", ["nf4", "bf16", "fp8"])
@pytest.mark.parametrize("width", [192, 200])
def test_a_layer_of_any_width_is_computed_in_every_mode(width: int, mode: Mode) -> None:
    torch.manual_seed(0)
    layer = LoraLinear(Linear4bit(width, 96, quant_type="nf4").to("cpu"), torch.float32)
    layer.adapter = LayerAdapter(torch.randn(5, width) * 0.1, torch.randn(96, 5) * 0.1, 0.5)
    x = torch.randn(32, width)

    with torch.no_grad():
        expected, found = layer(x), product(x, CONVERSIONS[mode](layer))

    error = (found - expected).abs().max() / expected.abs().max()
    assert error < (0.1 if mode == "fp8" and width == 192 else 1e-5)


def adapted_layer() -> LoraLinear:
    torch.manual_seed(0)
    layer = LoraLinear(torch.nn.Linear(256, 96).requires_grad_(requires_grad=False), torch.float32)
    layer.adapter = LayerAdapter(torch.randn(5, 256) * 0.1, torch.randn(96, 5) * 0.1, 0.5)
    return layer
