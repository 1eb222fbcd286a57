"""A trained layer computes what transformers' layer with peft's adapter does."""

from pathlib import Path

import pytest
import torch

from classifier.model.kv_cache import head_size
from classifier.model.rotary import RotaryEmbedding
from tests.support.packed import CPU, adapted_model, make_examples
from training.adapter.fast.attention import Attention
from training.adapter.fast.dropout import NO_DROPOUT, Dropout
from training.adapter.fast.layers import Functions, TrainedLayer
from training.adapter.fast.micro_batch import MicroBatch

TOKENS = 100


@pytest.mark.parametrize("shape", ["qwen2", "llama", "qwen3", "biased", "odd"])
def test_a_sample_passes_through_it_as_through_transformers_own(tmp_path: Path, shape: str) -> None:
    model = adapted_model(tmp_path, shape).get_base_model()
    module, config = model.model.layers[0], model.config
    functions = Functions.of(head_size(config), config.rms_norm_eps, CPU)
    layer = TrainedLayer(module, functions, torch.float32)
    batch = MicroBatch.of(make_examples([TOKENS - 37]), 37, CPU)
    hidden = torch.randn(128, config.hidden_size)
    rope, attend = RotaryEmbedding(config, CPU).at(batch.positions), Attention(CPU)

    found = layer.forward(hidden, rope, attend.over(batch.visible), NO_DROPOUT)

    positions = model.model.rotary_emb(hidden[None, :TOKENS], torch.arange(TOKENS)[None])
    expected = module(hidden[None, :TOKENS], position_embeddings=positions)
    assert torch.allclose(found[:TOKENS], expected[0], atol=1e-4, rtol=1e-4)

    dropped = layer.forward(hidden, rope, attend.over(batch.visible), Dropout(0.5, 1))
    assert not torch.allclose(dropped[:TOKENS], expected[0], atol=1e-2)
