"""Both runners on the CPU, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.nn.attention.flex_attention import BlockMask
from torch.nn.functional import scaled_dot_product_attention

from classifier.engine.engine import Engine
from classifier.model.backbone import Backbone, load_backbone
from classifier.model.bases.base import Base
from classifier.model.compiled import CompiledRunner
from classifier.model.eager import EagerRunner
from tests.support.models import make_prompt

CPU = torch.device("cpu")


def dense_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    block_mask: BlockMask,
    enable_gqa: bool,
    kernel_options: object,
) -> torch.Tensor:
    """What flex_attention computes; uncompiled, torch's own takes ten times as long.

    Args:
        query: (1, heads, q, size).
        key: (1, key-value heads, k, size).
        value: likewise.
        block_mask: whose pages are in the mask (``only_listed_pages``).
        enable_gqa: true.
        kernel_options: of no account here.
    """
    del enable_gqa, kernel_options
    first = torch.zeros((), dtype=torch.long)
    rows, columns = torch.arange(query.shape[2])[:, None], torch.arange(key.shape[2])
    seen = block_mask.mask_mod(first, first, rows, columns)
    repeats = query.shape[1] // key.shape[1]
    key, value = (one.repeat_interleave(repeats, dim=1) for one in (key, value))
    found = scaled_dot_product_attention(query, key, value, attn_mask=seen)
    return found.where(seen.any(dim=1)[:, None], 0.0)  # who sees nothing finds nothing


def use_eager(backbone: Backbone) -> None:
    """Let the plain runner answer."""
    backbone.runner, backbone.active_engine = EagerRunner(backbone.model), None


def use_compiled(backbone: Backbone, budget: int = 512) -> CompiledRunner:
    """Let the runner for CUDA answer, uncompiled."""
    backbone.active_engine = None
    runner = CompiledRunner(backbone.model, "nf4", budget, compiled=False)
    backbone.runner = runner
    return runner


@contextmanager
def thinking_engine(base: Base, runner: str) -> Iterator[Engine]:
    """Provide an engine whose prompt has room for thoughts, on an "eager" or "compiled" runner."""
    backbone = load_backbone(base, "full", CPU)
    if runner == "compiled":
        use_compiled(backbone, 1024)
    yield Engine(backbone, None, make_prompt(backbone.tokenizer, template="dispatch"))
    use_eager(backbone)
