"""Packed attention by padded groups: on any device, without compiling.

A token sees the prefix and what stands before it in its own ticket, and nothing of other tickets.
Keys and values go to the ``KVCache``. A segment finds there the rows of those it continues, so the
prefix and the tickets are never computed again. Segments of like lengths are padded and share one
product.

It works with every model of transformers whose attention goes through ``AttentionInterface``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from classifier.model.pack import Pack

NAME = "paidan_packed"

# The longest segment of a group is at most so many times as long as the shortest.
_LENGTH_RATIO = 1.25
_GROUP_SEGMENTS = 64


@dataclass(frozen=True, slots=True)
class _Group:
    """n segments of similar lengths, padded to q tokens that see k rows.

    Attributes:
        tokens: (n, q) places among the forward's tokens; padding repeats place 0.
        rows: (n, k) rows of the cache.
        visible: (n, 1, q, k) which row a token sees.
        kept: flat places in (n, q) that are no padding.
        to: the tokens at those places.
    """

    tokens: torch.Tensor
    rows: torch.Tensor
    visible: torch.Tensor
    kept: torch.Tensor
    to: torch.Tensor


class GroupAttention:
    """Attention of one forward.

    Args:
        pack: its layout.
        device: of the model.
    """

    def __init__(self, pack: Pack, device: torch.device) -> None:
        self.pack = pack
        self._rows = torch.from_numpy(pack.rows).to(device)
        self._groups = [_group(pack, members, device) for members in _similar(pack)]

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scale: float | None,
    ) -> torch.Tensor:
        """Cache the layer's keys and values and return its output, (1, tokens, heads, head size).

        Args:
            layer: its number.
            query: (1, heads, tokens, head size).
            key: (1, key-value heads, tokens, head size), rotated.
            value: (1, key-value heads, tokens, head size).
            scale: of the products; None for 1 / sqrt(head size).
        """
        keys, values = self.pack.cache.keys[layer], self.pack.cache.values[layer]
        keys[self._rows], values[self._rows] = key[0].transpose(0, 1), value[0].transpose(0, 1)
        queries = query[0].transpose(0, 1)
        out = torch.empty_like(queries)
        for group in self._groups:
            seen = scaled_dot_product_attention(
                queries[group.tokens].transpose(1, 2),
                _for_heads(keys[group.rows], query.shape[1]),
                _for_heads(values[group.rows], query.shape[1]),
                attn_mask=group.visible,
                scale=scale,
            )
            out[group.to] = seen.transpose(1, 2).flatten(0, 1)[group.kept]
        return out[None]


def _for_heads(kept: torch.Tensor, heads: int) -> torch.Tensor:
    """Return (n, heads, k, head size) of (n, k, key-value heads, head size), each repeated.

    ``enable_gqa`` would do it in the product. On CUDA that takes a product which needs the memory
    of all weights at once.
    """
    return kept.transpose(1, 2).repeat_interleave(heads // kept.shape[2], dim=1)


def _similar(pack: Pack) -> list[list[int]]:
    """Return groups of segments, by their numbers, whose lengths and contexts are close."""
    lengths, contexts = pack.lengths.tolist(), pack.before.tolist()
    groups: list[list[int]] = []
    limits = (0.0, 0.0)
    for number in sorted(range(len(lengths)), key=lambda i: (lengths[i], contexts[i])):
        length, context = lengths[number], contexts[number]
        fits = length <= limits[0] and context <= limits[1] and len(groups[-1]) < _GROUP_SEGMENTS
        if not fits:
            groups.append([])
            limits = (length * _LENGTH_RATIO, (context + length) * _LENGTH_RATIO)
        groups[-1].append(number)
    return groups


def _group(pack: Pack, members: Sequence[int], device: torch.device) -> _Group:
    lengths, contexts = pack.lengths[members], pack.before[members]
    longest = int(lengths.max())
    place = np.arange(longest)
    real = place[None, :] < lengths[:, None]
    tokens = np.where(real, pack.starts[members][:, None] + place[None, :], 0)
    rows = np.zeros((len(members), int((lengths + contexts).max())), dtype=np.int64)
    for row, number in zip(rows, members, strict=True):
        at = pack.before[number] + pack.lengths[number]
        for segment in pack.segments[number].path():
            row[at - len(segment.tokens) : at] = segment.rows
            at -= len(segment.tokens)
    # A padding token looks where the last real one does, so that it sees something.
    seen = contexts[:, None] + np.minimum(place[None, :], lengths[:, None] - 1)
    visible = np.arange(rows.shape[1])[None, None, None, :] <= seen[:, None, :, None]
    kept = np.flatnonzero(real)
    arrays = tokens, rows, visible, kept, tokens.ravel()[kept]
    return _Group(*(torch.from_numpy(array).to(device) for array in arrays))


def _packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    packed: GroupAttention,
    scaling: float | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """What transformers calls in each layer; ``packed`` came in through the model's keywords."""
    del attention_mask  # the pack knows who sees whom
    layer = module.layer_idx
    assert isinstance(layer, int)
    return packed.attend(layer, query, key, value, scaling), None


AttentionInterface.register(NAME, _packed_attention)  # without a mask of that name none is built
