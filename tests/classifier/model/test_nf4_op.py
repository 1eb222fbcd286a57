"""The operator that makes a weight of its four bits and its adapter."""

import torch
from bitsandbytes.nn import Linear4bit

from classifier.model.nf4 import Nf4Weight
from classifier.model.nf4_op import nf4_weight


def test_the_adapter_is_added_before_the_sum_is_rounded_once() -> None:
    torch.manual_seed(0)
    weight = Nf4Weight.of(Linear4bit(128, 32, quant_type="nf4").to("cpu").weight)
    a, b = torch.randn(16, 128).bfloat16(), torch.randn(32, 16).bfloat16()

    made = nf4_weight(weight.codes, weight.scales, a, b, torch.bfloat16)

    bare = nf4_weight(weight.codes, weight.scales, None, None, torch.float32)
    assert torch.equal(made, (bare + b.float() @ a.float()).bfloat16())


def test_the_compiler_is_told_the_shape_and_type_it_has() -> None:
    weight = Nf4Weight.of(Linear4bit(128, 32, quant_type="nf4").to("cpu").weight)

    torch.library.opcheck(
        torch.ops.paidan.nf4_weight.default,
        (weight.codes, weight.scales, None, None, torch.bfloat16),
    )
