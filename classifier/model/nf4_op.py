"""The operator ``paidan::nf4_weight``: a full weight from its four bits and its adapter.

w = round(code[q]·absmax + B·A), in one pass over memory. The adapter is added in float32 and the
sum is rounded once, so the adapter is exact. Only the product's own operand is written.

Here are the plain way, for any device, and the registration of the CUDA kernel, which is imported
when it is first called. ``torch.compile`` takes the operator as a whole.
"""

import torch

from classifier.model.nf4 import BLOCK


def nf4_weight(
    codes: torch.Tensor,
    scales: torch.Tensor,
    a: torch.Tensor | None,
    b: torch.Tensor | None,
    dtype: torch.dtype,
) -> torch.Tensor:
    """Return the (out, in) weight in ``dtype``.

    Args:
        codes: see ``Nf4Weight``.
        scales: see ``Nf4Weight``.
        a: (rank, in) of an adapter to add, or None.
        b: (out, rank) of it, its scale in it.
        dtype: of the result.
    """
    if codes.is_cuda and not torch.compiler.is_compiling():
        # To find the kernel in torch's register takes longer than the kernel itself.
        return _on_cuda(codes, scales, a, b, dtype)
    full: torch.Tensor = _operator(codes, scales, a, b, dtype)
    return full


@torch.library.custom_op("paidan::nf4_weight", mutates_args=())
def _operator(
    codes: torch.Tensor,
    scales: torch.Tensor,
    a: torch.Tensor | None,
    b: torch.Tensor | None,
    dtype: torch.dtype,
) -> torch.Tensor:
    from bitsandbytes.functional import get_4bit_type  # it takes longer to import than torch

    table = get_4bit_type("nf4", device=codes.device)
    weight = table[torch.stack((codes >> 4, codes & 15), dim=-1).flatten(1).int()]
    weight *= scales.repeat_interleave(BLOCK, dim=1)
    if a is not None and b is not None:
        weight += b.float() @ a.float()
    full: torch.Tensor = weight.to(dtype)
    return full


@_operator.register_fake
def _(
    codes: torch.Tensor,
    scales: torch.Tensor,
    a: torch.Tensor | None,
    b: torch.Tensor | None,
    dtype: torch.dtype,
) -> torch.Tensor:
    return codes.new_empty((codes.shape[0], codes.shape[1] * 2), dtype=dtype)


def _on_cuda(
    codes: torch.Tensor,
    scales: torch.Tensor,
    a: torch.Tensor | None,
    b: torch.Tensor | None,
    dtype: torch.dtype,
) -> torch.Tensor:
    from classifier.model.nf4_kernel import weight

    return weight(codes, scales, a, b, dtype)


_operator.register_kernel("cuda")(_on_cuda)
