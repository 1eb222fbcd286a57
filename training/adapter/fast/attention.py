"""Attention of a micro-batch: compiled flex_attention on CUDA, dense with a mask elsewhere."""

from collections.abc import Callable

import torch
from torch.nn.attention.flex_attention import flex_attention
from torch.nn.functional import scaled_dot_product_attention

from classifier.model.decoder import kernel_options
from classifier.model.kv_cache import PAGE
from training.adapter.fast.compilation import any_length, compiled
from training.adapter.fast.visibility import Visibility

Attend = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""Returns (b, 128, heads x size) of queries, keys and values, (b, 128, heads, size) each."""


class Attention:
    """Attention over the micro-batches of a run.

    Args:
        device: of the model.
    """

    def __init__(self, device: torch.device) -> None:
        self._on_gpu = device.type == "cuda"
        self._options = kernel_options(device)
        self._flex = compiled(self._by_blocks, device)

    def over(self, visible: Visibility) -> Attend:
        """Return the attention of a micro-batch."""
        if self._on_gpu:
            any_length(*visible)
            any_length(*(one for one in visible if one.ndim > 1), dimension=1)
            return lambda *heads: self._by_gpu(heads, visible)
        mask = visible.dense()
        return lambda query, key, value: _dense(query, key, value, mask)

    def _by_gpu(self, heads: tuple[torch.Tensor, ...], visible: Visibility) -> torch.Tensor:
        any_length(*heads)
        query, key, value = heads
        return self._flex(query, key, value, visible)

    def _by_blocks(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, visible: Visibility
    ) -> torch.Tensor:
        # Blocks of 128 are made one row here, so that the kernel knows what divides its length.
        found = flex_attention(
            _one_row(query),
            _one_row(key),
            _one_row(value),
            block_mask=visible.block_mask(),
            enable_gqa=True,
            kernel_options=self._options,
        )
        assert isinstance(found, torch.Tensor)
        return found[0].transpose(0, 1).reshape(*query.shape[:2], -1)


def _one_row(heads: torch.Tensor) -> torch.Tensor:
    """Return (1, heads, 128 b, size) of (b, 128, heads, size)."""
    return heads.flatten(0, 1).transpose(0, 1)[None]


def _dense(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    repeats = query.shape[2] // key.shape[2]
    found = scaled_dot_product_attention(
        _one_row(query),
        _one_row(key).repeat_interleave(repeats, dim=1),
        _one_row(value).repeat_interleave(repeats, dim=1),
        attn_mask=mask,
    )
    return found[0].transpose(0, 1).reshape(len(mask) // PAGE, PAGE, -1)
