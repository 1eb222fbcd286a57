"""How a stand-in is built."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StandinSettings:
    """How the stand-in is built.

    Parameters:
        vocabulary: tokens, the five special ones included.
        hidden, intermediate: widths, multiples of 64 as NF4 quantises blocks of 64.
        layers, heads, kv_heads: of the transformer.
        batch_tokens: about so many tokens a step, padding included.
        learning_rate: highest, after the warm-up.
        warmup: share of the steps.
        weight_decay: of AdamW, on matrices.
        gist_weight: of the second loss, see ``weights.loss_of``.
        bf16: whether to compute in bfloat16 where it is accurate enough.
        passes: how often each ticket is read, other sentences of it hidden each time.
        threads: of PyTorch; with another number the sums round otherwise.
    """

    vocabulary: int = 4096
    hidden: int = 256
    intermediate: int = 256
    layers: int = 3
    heads: int = 8
    kv_heads: int = 2
    batch_tokens: int = 2048
    learning_rate: float = 3e-3
    warmup: float = 0.05
    weight_decay: float = 0.05
    gist_weight: float = 1.0
    bf16: bool = True
    passes: int = 1
    threads: int = 2
