"""Memory is counted by tokens, and layers are recomputed where it is short."""

import math

import pytest
import torch
from transformers import Qwen2Config

from training.adapter.fast.memory import Costs, free_bytes

GIB = 1 << 30
CONFIG_7B = Qwen2Config(
    vocab_size=152064,
    hidden_size=3584,
    intermediate_size=18944,
    num_hidden_layers=28,
    num_attention_heads=28,
    num_key_value_heads=4,
)
SMALL = Costs(layers=4, kept=10.0, bound=1.0, worked=5.0, fixed=100.0)


def test_sixteen_tickets_of_the_article_fit_a_card_of_24_gb_without_recomputing() -> None:
    costs = Costs.of(CONFIG_7B, rank=64, number_bytes=2)
    tokens = 358 + 16 * 232

    needed = costs.bytes(tokens, 0) / GIB

    assert 12 < needed < 15
    assert costs.recomputed(tokens, 15 * GIB) == 0
    assert costs.bytes(tokens, 27) / GIB < 4


def test_tokens_count_as_whole_blocks() -> None:
    assert SMALL.bytes(1, 0) == SMALL.bytes(128, 0) < SMALL.bytes(129, 0)


@pytest.mark.parametrize("layers", [0, 1, 2, 3])
def test_as_few_layers_are_recomputed_as_will_do(layers: int) -> None:
    room = SMALL.bytes(256, layers)

    assert SMALL.recomputed(256, room) == layers
    assert SMALL.recomputed(256, room - 1) == (layers + 1 if layers < 3 else None)


def test_without_a_gpu_there_is_room_for_all_unless_a_limit_is_set() -> None:
    cpu = torch.device("cpu")

    assert free_bytes(cpu, 10, None) == math.inf
    assert free_bytes(cpu, 10, 2.0) == 2 * GIB
