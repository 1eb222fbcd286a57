"""The kernel on a real GPU: ``make test-gpu``. Elsewhere it is skipped, visibly."""

import pytest
import torch
from bitsandbytes.nn import Linear4bit

from classifier.model.conversion import kept_weights
from classifier.model.lora import LayerAdapter, LoraLinear
from classifier.model.nf4_op import nf4_weight

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here: make test-gpu"),
    # torch's and triton's remarks on a build are not ours
    pytest.mark.filterwarnings("ignore"),
]


@pytest.mark.parametrize("rank", [0, 16, 48, 64, 128])
@pytest.mark.parametrize("rows", [200, 4010])  # no multiples of a tile's
@pytest.mark.parametrize("width", [64, 256, 576])  # a tile has 128 columns
def test_the_weight_kernel_computes_what_plain_pytorch_does(
    rank: int, rows: int, width: int
) -> None:
    # Given a layer in 4 bits, with and without an adapter
    layer = LoraLinear(Linear4bit(width, rows, quant_type="nf4").cuda(), torch.bfloat16)
    torch.manual_seed(rank)
    if rank:
        a, b = torch.randn(rank, width) * 0.1, torch.randn(rows, rank) * 0.1
        layer.adapter = LayerAdapter(a.cuda().bfloat16(), b.cuda().bfloat16(), 1.0)
    taken = kept_weights(layer)
    parts = taken.weight, taken.scales, taken.a, taken.b

    # When the kernel makes the weight, and plain PyTorch does
    made = nf4_weight(*parts, torch.float32)
    plain = nf4_weight(*(None if part is None else part.cpu() for part in parts), torch.float32)

    # Then they are the same, but for the order of a sum
    torch.testing.assert_close(made.cpu(), plain, rtol=0, atol=1e-5)
