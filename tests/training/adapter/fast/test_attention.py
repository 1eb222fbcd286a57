"""Attention over a micro-batch is that of each sample behind a prefix of its own."""

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend
from torch.nn.functional import scaled_dot_product_attention

from tests.support.packed import CPU, make_examples
from training.adapter.fast import attention
from training.adapter.fast.attention import Attention
from training.adapter.fast.micro_batch import MicroBatch

SHARED = 37
OWN = (4, 100, 1)


def test_attention_and_its_gradients_are_those_of_samples_read_alone() -> None:
    visible = MicroBatch.of(make_examples(OWN), SHARED, CPU).visible
    torch.manual_seed(0)
    query = torch.randn(2, 128, 4, 16, requires_grad=True)
    key, value = (torch.randn(2, 128, 2, 16, requires_grad=True) for _ in "kv")
    above = torch.randn(256, 64)
    above[SHARED + sum(OWN) :] = 0  # padding
    above[:SHARED] = 0  # counted once for each sample below

    found = Attention(CPU).over(visible)(query, key, value).flatten(0, 1)
    packed = torch.autograd.grad((found * above).sum(), [query, key, value])

    total, start = torch.zeros(()), SHARED
    for length in OWN:
        rows = torch.tensor([*range(SHARED), *range(start, start + length)])
        alone = scaled_dot_product_attention(
            *(
                heads.flatten(0, 1)[rows].transpose(0, 1)[None].repeat_interleave(repeat, dim=1)
                for heads, repeat in ((query, 1), (key, 2), (value, 2))
            ),
            is_causal=True,
        )
        alone = alone[0].transpose(0, 1).flatten(1)
        assert torch.allclose(found[rows], alone, atol=1e-5)
        total = total + (alone * above[rows]).sum()
        start += length
    expected = torch.autograd.grad(total, [query, key, value])
    for ours, theirs in zip(packed, expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


def mark(*tensors: torch.Tensor, dimension: int = 0) -> None:
    """Do as ``any_length`` does with tensors on a GPU."""
    for tensor in tensors:
        torch._dynamo.maybe_mark_dynamic(tensor, dimension)


@pytest.mark.filterwarnings("ignore")
def test_what_is_compiled_for_a_gpu_is_traced_once_with_its_gradients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given torch without its refusal of gradients on a CPU, where it computes them plainly
    monkeypatch.setattr(torch.nn.attention.flex_attention, "_validate_device", lambda *_: None)
    monkeypatch.setattr(attention, "any_length", mark)
    by_gpu, counter = Attention(CPU), CompileCounterWithBackend("aot_eager")
    monkeypatch.setattr(by_gpu, "_flex", torch.compile(by_gpu._by_blocks, backend=counter))
    monkeypatch.setattr(by_gpu, "_on_gpu", value=True)

    for own in (OWN, (300, 20, 4), (60,) * 20):
        visible = MicroBatch.of(make_examples(own), SHARED, CPU).visible
        heads = [
            torch.randn(len(visible.tickets) // 128, 128, count, 16, requires_grad=True)
            for count in (4, 2, 2)
        ]
        found, dense = (one.over(visible)(*heads) for one in (by_gpu, Attention(CPU)))
        above = torch.randn_like(dense)
        gradients = [torch.autograd.grad((one * above).sum(), heads) for one in (found, dense)]

        assert torch.allclose(found, dense, atol=1e-5)
        for ours, theirs in zip(*gradients, strict=True):
            assert torch.allclose(ours, theirs, atol=1e-4)

    assert counter.frame_count == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here: make test-gpu")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("own", [OWN, (300, 20, 4), tuple([60] * 20)])
def test_on_a_gpu_flex_attention_gives_the_dense_one_with_its_gradients(
    own: tuple[int, ...],
) -> None:
    cuda = torch.device("cuda")
    visible = MicroBatch.of(make_examples(own), SHARED, cuda).visible
    blocks = len(visible.tickets) // 128
    torch.manual_seed(0)
    heads = [torch.randn(blocks, 128, count, 64) for count in (4, 2, 2)]
    above = torch.randn(blocks * 128, 256)

    def results(device: torch.device) -> list[torch.Tensor]:
        moved = [one.to(device).requires_grad_() for one in heads]
        seen = type(visible)(*(one.to(device) for one in visible))
        found = Attention(device).over(seen)(*moved).flatten(0, 1)
        return [found, *torch.autograd.grad((found * above.to(device)).sum(), moved)]

    for ours, theirs in zip(results(cuda), results(CPU), strict=True):
        assert float((ours.cpu() - theirs).norm() / theirs.norm()) < 1e-2
