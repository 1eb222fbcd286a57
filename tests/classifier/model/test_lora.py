"""Linear layers in 4 bits with an adapter beside them."""

import gc
import weakref

import pytest
import torch
from bitsandbytes.nn import Linear4bit
from torch import nn

from classifier.model.lora import Adapter, LayerAdapter, LoraLinear, lora_layers, replace_linears


def test_an_adapter_is_computed_from_when_it_is_active_until_another_is() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 4))
    x = torch.randn(3, 8)
    bare = model(x)
    replace_linears(model, torch.float32)
    one = Adapter({"2": LayerAdapter(torch.randn(2, 6), torch.randn(4, 2), 0.5)})

    one.activate(model)
    adapted = model(x)
    Adapter({}).activate(model)

    inner = model[1](model[0](x))
    added = 0.5 * inner @ one.layers["2"].a.t() @ one.layers["2"].b.t()
    assert [path for path, _ in lora_layers(model)] == ["0", "2"]
    assert torch.allclose(adapted, bare + added, atol=1e-5)
    assert torch.equal(model(x), bare)


@pytest.mark.parametrize("width", [128, 192, 100])  # 100: dequantised for good
def test_a_weight_that_was_laid_out_is_let_go_at_once(width: int) -> None:
    layer = LoraLinear(Linear4bit(width, 64, quant_type="nf4").to("cpu"), torch.float32)
    weight, before = weakref.ref(layer.weight), layer.full_weight()
    gc.disable()
    try:
        layer.lay_out()
        assert weight() is None
    finally:
        gc.enable()
    assert torch.equal(layer.full_weight(), before)
    assert (layer.nf4 is None) == (width == 100)


def test_the_kept_weight_is_the_one_bitsandbytes_trains_on() -> None:
    """Serving dequantises; training multiplies through ``Linear4bit``: they must agree."""
    torch.manual_seed(0)
    plain = nn.Linear(128, 64)
    trained = Linear4bit(128, 64, quant_type="nf4", compute_dtype=torch.float32)
    trained.load_state_dict(plain.state_dict())
    trained = trained.to("cpu").train()
    served = LoraLinear(trained, torch.float32)
    x = torch.randn(5, 128)

    assert torch.allclose(served(x), trained(x), atol=1e-5)
    assert not torch.allclose(served(x), plain(x), atol=1e-3)
