"""What is compiled: on CUDA the functions between the products, once for any number of tokens."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function, device: torch.device) -> Function:
    """Return a function compiled for CUDA; elsewhere as it is."""
    if device.type != "cuda":
        return function
    # A pool of processes for so few functions would cost more than it saves.
    torch._inductor.config.compile_threads = 1
    made: Function = torch.compile(function)  # type: ignore[assignment]
    return made


def any_length(*tensors: torch.Tensor, dimension: int = 0) -> None:
    """Let compiled functions take any size of these in a dimension."""
    for tensor in tensors:
        if tensor.is_cuda:
            torch._dynamo.maybe_mark_dynamic(tensor, dimension)
