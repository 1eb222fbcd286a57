"""Packed attention: tickets lie one after the other without padding, behind one shared prefix.

Every token sees the prefix, what stands before it in its own ticket, and nothing of any other. Keys
and values are kept in a ``KeyValueStore``; a segment names the rows it continues, so a label's
tokens go on from their ticket, and all tickets from the prefix, without being computed again.

Works with every model of transformers whose attention goes through ``AttentionInterface``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

NAME = "paidan_packed"

# Segments whose lengths are this close share one padded product: padding costs at most so much.
_PADDING = 1.25
_GROUP = 64

Range = tuple[int, int]


@dataclass(slots=True)
class Segment:
    """Tokens that continue what is in the store.

    Attributes:
        tokens: to read.
        context: ranges of store rows that come before them, in order.
        rows: where their keys and values went; set by reading.
    """

    tokens: Sequence[int]
    context: tuple[Range, ...]
    rows: Range = (0, 0)

    @property
    def position(self) -> int:
        """The position of the first token."""
        return sum(stop - start for start, stop in self.context)

    @property
    def path(self) -> tuple[Range, ...]:
        """The context of what comes after this segment."""
        return (*self.context, self.rows)


class KeyValueStore:
    """Keys and values of all layers, by row: (rows, key-value heads, head size) each.

    Args:
        layers: how many.
        heads: key-value heads.
        size: of a head.
        dtype: of the model's computation.
        device: where.
        capacity: rows to make room for; it grows where that is not enough.
    """

    def __init__(
        self,
        layers: int,
        heads: int,
        size: int,
        *,
        dtype: torch.dtype,
        device: torch.device,
        capacity: int = 1024,
    ) -> None:
        shape = (layers, capacity, heads, size)
        self.keys = torch.empty(shape, dtype=dtype, device=device)
        self.values = torch.empty(shape, dtype=dtype, device=device)
        self.used = 0

    def reserve(self, count: int) -> Range:
        """Take ``count`` rows at the end and return their range."""
        start, stop = self.used, self.used + count
        if stop > self.keys.shape[1]:
            self.keys = _grown(self.keys, max(stop, 2 * self.keys.shape[1]))
            self.values = _grown(self.values, max(stop, 2 * self.values.shape[1]))
        self.used = stop
        return start, stop

    def adopt(self, other: "KeyValueStore") -> Range:
        """Copy all rows of another store to the end; return their range."""
        start, stop = self.reserve(other.used)
        self.keys[:, start:stop] = other.keys[:, : other.used]
        self.values[:, start:stop] = other.values[:, : other.used]
        return start, stop


def _grown(tensor: torch.Tensor, capacity: int) -> torch.Tensor:
    layers, used, heads, size = tensor.shape
    grown = tensor.new_empty((layers, capacity, heads, size))
    grown[:, :used] = tensor
    return grown


@dataclass(frozen=True, slots=True)
class _Group:
    """n segments of similar lengths, padded to q tokens that see k rows.

    Attributes:
        tokens: (n, q) places among the forward's tokens; padding repeats place 0.
        rows: (n, k) store rows.
        visible: (n, 1, q, k) which row a token sees.
        kept: flat places in (n, q) that are no padding, and ``to``, the tokens they belong to.
    """

    tokens: torch.Tensor
    rows: torch.Tensor
    visible: torch.Tensor
    kept: torch.Tensor
    to: torch.Tensor


class Pack:
    """The layout of one forward over some segments.

    Args:
        store: where keys and values go and come from.
        segments: what is read; their ``rows`` are set.
        device: of the model.
    """

    def __init__(
        self, store: KeyValueStore, segments: Sequence[Segment], device: torch.device
    ) -> None:
        self.store = store
        self.starts: list[int] = []
        total = sum(len(segment.tokens) for segment in segments)
        self.rows = store.reserve(total)
        ids: list[int] = []
        positions: list[int] = []
        at = 0
        for segment in segments:
            length = len(segment.tokens)
            segment.rows = (self.rows[0] + at, self.rows[0] + at + length)
            self.starts.append(at)
            ids += segment.tokens
            first = segment.position
            positions += range(first, first + length)
            at += length
        self.input_ids = torch.tensor([ids], device=device)
        self.position_ids = torch.tensor([positions], device=device)
        self._groups = [
            _group([segments[i] for i in members], [self.starts[i] for i in members], device)
            for members in _similar(segments)
        ]

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scale: float | None,
    ) -> torch.Tensor:
        """Store the layer's keys and values and return its output, (1, tokens, heads, size).

        Args:
            layer: its number.
            query: (1, heads, tokens, size).
            key: (1, key-value heads, tokens, size), rotated.
            value: (1, key-value heads, tokens, size).
            scale: of the products; None for 1 / sqrt(size).
        """
        start, stop = self.rows
        keys, values = self.store.keys[layer], self.store.values[layer]
        keys[start:stop], values[start:stop] = key[0].transpose(0, 1), value[0].transpose(0, 1)
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
    """Return (n, heads, k, size) of (n, k, key-value heads, size), each repeated for its heads.

    Left to the product (``enable_gqa``), CUDA falls back to one that needs all weights at once.
    """
    return kept.transpose(1, 2).repeat_interleave(heads // kept.shape[2], dim=1)


def _similar(segments: Sequence[Segment]) -> list[list[int]]:
    """Group segments, by their number, whose lengths and contexts are close."""
    order = sorted(
        range(len(segments)), key=lambda i: (len(segments[i].tokens), segments[i].position)
    )
    groups: list[list[int]] = []
    limits = (0.0, 0.0)
    for number in order:
        length, context = len(segments[number].tokens), segments[number].position
        fits = length <= limits[0] and context <= limits[1] and len(groups[-1]) < _GROUP
        if not fits:
            groups.append([])
            limits = (length * _PADDING, (context + length) * _PADDING)
        groups[-1].append(number)
    return groups


def _group(segments: Sequence[Segment], starts: Sequence[int], device: torch.device) -> _Group:
    lengths = np.array([len(segment.tokens) for segment in segments])
    contexts = np.array([segment.position for segment in segments])
    longest = int(lengths.max())
    place = np.arange(longest)
    real = place[None, :] < lengths[:, None]
    tokens = np.where(real, np.array(starts)[:, None] + place[None, :], 0)
    rows = np.zeros((len(segments), int((lengths + contexts).max())), dtype=np.int64)
    for row, segment in zip(rows, segments, strict=True):
        at = 0
        for start, stop in segment.path:
            row[at : at + stop - start] = np.arange(start, stop)
            at += stop - start
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
    pack: Pack,
    scaling: float | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """What transformers calls in each layer; ``pack`` came in through the model's keywords."""
    del attention_mask  # the pack knows who sees whom
    layer = module.layer_idx
    assert isinstance(layer, int)
    return pack.attend(layer, query, key, value, scaling), None


AttentionInterface.register(NAME, _packed_attention)  # without a mask of that name none is built
