"""Which tokens each token of a micro-batch sees: the prefix and its own sample, up to itself."""

from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.attention.flex_attention import BlockMask

from classifier.model.kv_cache import PAGE
from classifier.model.segment import PREFIX
from training.adapter.fast.examples import Numbers

Table = tuple[NDArray[np.int32], NDArray[np.int32]]


class Visibility(NamedTuple):
    """What 128·b tokens see of each other, and by b blocks, for flex_attention.

    A table says of each block how many others it has to do with, (b,), and which, (b, b), those
    that count first. Full are those of which each token sees each one, partial the others.

    Attributes:
        tickets: (128 b,) int32, the number of each token's sample; ``PREFIX`` is seen by all.
        partial: how many blocks each block sees in part; likewise the next three.
        partial_blocks: which.
        full: how many wholly.
        full_blocks: which.
        partial_by: by how many each block is seen in part; likewise the next three.
        partial_by_blocks: by which.
        full_by: by how many wholly.
        full_by_blocks: by which.
    """

    tickets: torch.Tensor
    partial: torch.Tensor
    partial_blocks: torch.Tensor
    full: torch.Tensor
    full_blocks: torch.Tensor
    partial_by: torch.Tensor
    partial_by_blocks: torch.Tensor
    full_by: torch.Tensor
    full_by_blocks: torch.Tensor

    @classmethod
    def of(cls, tickets: Numbers, device: torch.device) -> Self:
        """Return the tables of (128 b,) sample numbers."""
        some, full = _seen_blocks(tickets.reshape(-1, PAGE))
        partial = some & ~full
        tables = [_table(seen) for seen in (partial, full, partial.T, full.T)]
        arrays = [tickets.astype(np.int32), *(array for table in tables for array in table)]
        return cls(*(torch.from_numpy(array).to(device) for array in arrays))

    def sees(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        """Return whether tokens at the places ``query`` see those at the places ``key``."""
        of_key = self.tickets[key]
        near = (of_key == PREFIX) | (of_key == self.tickets[query])
        visible: torch.Tensor = near & (key <= query)
        return visible

    def dense(self) -> torch.Tensor:
        """Return all of it, (128 b, 128 b) bool."""
        places = torch.arange(len(self.tickets), device=self.tickets.device)
        return self.sees(places[:, None], places[None, :])

    def block_mask(self) -> BlockMask:
        """Return the mask as flex_attention takes it."""

        def mask(
            batch: torch.Tensor, head: torch.Tensor, query: torch.Tensor, key: torch.Tensor
        ) -> torch.Tensor:
            return self.sees(query, key)

        tokens = self.partial.shape[0] * PAGE
        return BlockMask(
            seq_lengths=(tokens, tokens),
            kv_num_blocks=self.partial[None, None],
            kv_indices=self.partial_blocks[None, None],
            full_kv_num_blocks=self.full[None, None],
            full_kv_indices=self.full_blocks[None, None],
            q_num_blocks=self.partial_by[None, None],
            q_indices=self.partial_by_blocks[None, None],
            full_q_num_blocks=self.full_by[None, None],
            full_q_indices=self.full_by_blocks[None, None],
            BLOCK_SIZE=(PAGE, PAGE),
            mask_mod=mask,
        )


def _seen_blocks(tickets: Numbers) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (b, b) of which blocks each of b blocks sees something, and all.

    Samples stand in order, so those of a block are the ones from its first to its last token's.
    The padding at the end is a sample of its own.
    """
    order = np.where(tickets < PREFIX, tickets.max() + 1, tickets)
    first, last = order[:, 0], order[:, -1]
    numbers = np.arange(len(order))
    before = numbers[None, :] < numbers[:, None]
    meet = (first[None, :] <= last[:, None]) & (first[:, None] <= last[None, :])
    all_prefix = (last == PREFIX)[None, :]
    has_prefix = (first == PREFIX)[None, :]
    one = first == last
    same = one[:, None] & one[None, :] & (first[:, None] == first[None, :])
    some = (before & (has_prefix | meet)) | np.eye(len(order), dtype=bool)
    return some, before & (all_prefix | same)


def _table(seen: NDArray[np.bool_]) -> Table:
    places = np.argsort(~seen, axis=1, kind="stable").astype(np.int32)
    return seen.sum(axis=1).astype(np.int32), np.ascontiguousarray(places)
