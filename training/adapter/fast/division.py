"""Division of a step's samples into micro-batches that fit the memory, as cheaply as can be.

Another micro-batch reads the prefix once more and dequantises all weights once more; a recomputed
layer is computed once more. What costs the least is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import DeviceError
from training.adapter.fast.memory import Costs

_OVERHEAD = 800
"""Tokens whose forward pass takes as long as to dequantise all weights for it and the backward."""
_PASSES = 2
"""Forward and backward: the weights have no gradient, and the adapters' is small."""


@dataclass(frozen=True, slots=True)
class Part:
    """A micro-batch.

    Parameters:
        members: numbers of its samples.
        recomputed: layers that it recomputes.
    """

    members: tuple[int, ...]
    recomputed: int


def divide(own: Sequence[int], shared: int, costs: Costs, room: float) -> list[Part]:
    """Return the micro-batches of a step.

    Args:
        own: tokens of each sample behind the prefix.
        shared: tokens of the prefix.
        costs: of the model.
        room: bytes that a micro-batch may take.

    Raises:
        DeviceError: a sample alone takes more.
    """
    found: list[tuple[float, list[Part]]] = []
    for count in range(1, len(own) + 1):
        groups = _alike(own, count)
        tokens = [shared + sum(own[n] for n in group) for group in groups]
        recomputed = [costs.recomputed(each, room) for each in tokens]
        known = [layers for layers in recomputed if layers is not None]
        if len(known) < count:
            continue
        price = sum(
            _OVERHEAD + each * (_PASSES + layers / costs.layers)
            for each, layers in zip(tokens, known, strict=True)
        )
        found.append((price, list(map(Part, groups, known))))
        if not any(known):
            break  # more micro-batches would only cost more
    if not found:
        raise DeviceError(_too_small(shared + max(own), costs, room))
    return min(found, key=lambda one: one[0])[1]


def _alike(own: Sequence[int], count: int) -> list[tuple[int, ...]]:
    """Return so many groups of nearly as many tokens: the longest first, into the emptiest."""
    groups: list[list[int]] = [[] for _ in range(count)]
    sizes = [0] * count
    for number in sorted(range(len(own)), key=lambda n: -own[n]):
        emptiest = sizes.index(min(sizes))
        groups[emptiest].append(number)
        sizes[emptiest] += own[number]
    return [tuple(sorted(group)) for group in groups]


def _too_small(tokens: int, costs: Costs, room: float) -> str:
    needed, free = (size / 2**30 for size in (costs.bytes(tokens, costs.layers - 1), room))
    return (
        f"a sample of {tokens:,} tokens takes {needed:.1f} GiB beside the model, and there are "
        f"{max(0.0, free):.1f}: raise [compute] memory in the recipe if it is set, end what else "
        "uses the GPU, or lower [load] max_seq_length"
    )
