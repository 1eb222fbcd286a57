"""Which rows of the KV cache each token of a forward sees, as tensors for flex_attention."""

from typing import NamedTuple

import torch
from torch.nn.attention.flex_attention import BlockMask

from classifier.model.kv_cache import PAGE
from classifier.model.segment import PREFIX


class Visibility(NamedTuple):
    """What b blocks of 128 tokens see of the p pages of the cache.

    Attributes:
        tickets: (128 b,) int32, the tokens' tickets.
        order: (128 b,) int32, see ``segment``.
        partial: (b,) int32, see ``blocks.Blocks``; likewise the next three.
        partial_pages: (b, p).
        full: (b,).
        full_pages: (b, p).
        row_tickets: (rows,) int32, of each row of the cache.
        row_order: (rows,).
        row_stops: (rows,).
    """

    tickets: torch.Tensor
    order: torch.Tensor
    partial: torch.Tensor
    partial_pages: torch.Tensor
    full: torch.Tensor
    full_pages: torch.Tensor
    row_tickets: torch.Tensor
    row_order: torch.Tensor
    row_stops: torch.Tensor

    def block_mask(self) -> BlockMask:
        """Return the mask as flex_attention takes it."""

        def sees(
            batch: torch.Tensor, head: torch.Tensor, query: torch.Tensor, row: torch.Tensor
        ) -> torch.Tensor:
            ticket, at = self.row_tickets[row], self.order[query]
            near = (ticket == PREFIX) | (ticket == self.tickets[query])
            visible: torch.Tensor = near & (self.row_order[row] <= at) & (at < self.row_stops[row])
            return visible

        # from_kv_blocks would add the tables of a backward pass.
        return BlockMask(
            seq_lengths=(self.partial.shape[0] * PAGE, self.row_tickets.shape[0]),
            kv_num_blocks=self.partial[None, None],
            kv_indices=self.partial_pages[None, None],
            full_kv_num_blocks=self.full[None, None],
            full_kv_indices=self.full_pages[None, None],
            q_num_blocks=None,
            q_indices=None,
            full_q_num_blocks=None,
            full_q_indices=None,
            BLOCK_SIZE=(PAGE, PAGE),
            mask_mod=sees,
        )
