"""The NF4 format."""

import pytest
import torch
from bitsandbytes.functional import dequantize_4bit, get_4bit_type
from bitsandbytes.nn import Linear4bit

from classifier.model.nf4 import BLOCK, Nf4Weight


def quantized(width: int, *, nested: bool = False) -> Linear4bit:
    torch.manual_seed(0)
    return Linear4bit(width, 96, quant_type="nf4", compress_statistics=nested).to("cpu")


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("width", [192, 256])
def test_codes_and_scales_are_the_weight_that_bitsandbytes_has(width: int, nested: bool) -> None:
    weight = quantized(width, nested=nested).weight

    taken = Nf4Weight.of(weight)

    high, low = taken.codes >> 4, taken.codes & 15
    codes = torch.stack((high, low), dim=-1).flatten(1).int()
    values = get_4bit_type("nf4", device="cpu")[codes]
    assert (taken.codes.shape, taken.scales.shape) == ((96, width // 2), (96, width // BLOCK))
    assert taken.scales.dtype == torch.float32
    expected = dequantize_4bit(weight.data, weight.quant_state)
    assert torch.allclose(values * taken.scales.repeat_interleave(BLOCK, 1), expected, atol=1e-6)


def test_rows_that_end_within_a_block_are_refused() -> None:
    with pytest.raises(ValueError, match="blocks of 64 in rows of 160"):
        Nf4Weight.of(quantized(160).weight)
