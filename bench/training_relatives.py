"""Public ways to share a prefix in training, in the place of the fast path's decoder.

Both read the fast path's micro-batches and return hidden states, so loss, optimizer and batch are
the same ones. They are not part of Paidan: ``pip install prefix-grouper``, or unsloth.
"""

from functools import partial
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from classifier.model.segment import PADDING, PREFIX
from training.adapter.fast.dropout import Dropout
from training.adapter.fast.micro_batch import MicroBatch

GROUPED = "bench_prefix_grouper"
"""The name under which transformers calls ``_grouped_attention``."""


class Relative:
    """A decoder around a model that reads grouped tokens itself.

    Args:
        model: of peft; its own layers run, under autocast on CUDA.
    """

    def __init__(self, model: Any) -> None:
        self.model = model.get_base_model()
        self.lm_head: torch.Tensor = self.model.lm_head.weight
        self.dtype, self.device = self.lm_head.dtype, self.lm_head.device

    def hidden(
        self, micro_batch: MicroBatch, recomputed: int = 0, dropout: Dropout | None = None
    ) -> torch.Tensor:
        """Return the (t, hidden) states after the last norm, without padding."""
        del recomputed, dropout  # the model's own
        tickets = micro_batch.visible.tickets
        tickets = tickets[tickets != PADDING]
        lengths = torch.bincount(tickets - PREFIX).tolist()
        ids, positions = (
            one.flatten()[: len(tickets)][None] for one in (micro_batch.ids, micro_batch.positions)
        )
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=self.device.type == "cuda"):
            out = self.model.model(
                input_ids=ids, position_ids=positions, use_cache=False, **self.grouped(lengths)
            )
        hidden: torch.Tensor = out.last_hidden_state[0].to(self.dtype)
        return hidden

    def normed(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return what is normed already."""
        return hidden

    def grouped(self, lengths: list[int]) -> dict[str, Any]:
        """Return the model's keywords for a prefix and its continuations, by their lengths."""
        raise NotImplementedError


class PrefixGrouperDecoder(Relative):
    """PrefixGrouper (Liu et al., "Prefix Grouper", 2025) in transformers' layers with peft's LoRA.

    Its attention pads the continuations and gives each a copy of the prefix' keys and values.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        AttentionInterface.register(GROUPED, _grouped_attention)
        self.model.set_attn_implementation(GROUPED)

    def grouped(self, lengths: list[int]) -> dict[str, Any]:
        """Return its group."""
        from prefix_grouper import PrefixGrouper

        return {"prefix_grouper": PrefixGrouper([lengths], device=self.device)}


class UnslothDecoder(Relative):
    """unsloth's shared-prefix attention, which its GRPO trainer uses, in unsloth's layers."""

    def grouped(self, lengths: list[int]) -> dict[str, Any]:
        """Return its table of segments."""
        from unsloth.utils.prefix_grouper_kernel import build_seg_info_multigroup

        segments, _ = build_seg_info_multigroup([(lengths[0], lengths[1:])], self.device)
        return {"prefix_seg_info": segments}


def _grouped_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    prefix_grouper: Any,
    scaling: float | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    del module, attention_mask
    attend = partial(_causal, scale=scaling)
    return prefix_grouper.forward(attend, query, key, value), None


def _causal(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    kept: torch.Tensor,
    scale: float | None,
) -> torch.Tensor:
    """Return (n, q, heads, size) for queries that are the last q of k tokens.

    Args:
        query: (n, heads, q, size).
        key: (n, key-value heads, k, size).
        value: likewise.
        kept: (n, k) bool, which are no padding.
        scale: of the products.
    """
    asked, seen = query.shape[2], key.shape[2]
    causal = torch.ones(asked, seen, dtype=torch.bool, device=query.device).tril(seen - asked)
    mask = causal & kept[:, None, None, :]
    # Torch's fast kernels take no mask together with its own sharing of keys among heads.
    repeats = query.shape[1] // key.shape[1]
    key, value = (one.repeat_interleave(repeats, dim=1) for one in (key, value))
    found = scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scale)
    return found.transpose(1, 2)
