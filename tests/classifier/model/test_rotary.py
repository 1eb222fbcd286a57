"""Rotary embeddings, beside those of transformers."""

import pytest
import torch
from transformers import AutoModelForCausalLM
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from classifier.model.bases.base import Base
from classifier.model.rotary import RotaryEmbedding, rotate
from tests.support.runners import CPU


@pytest.mark.parametrize("architecture", ["base", "llama"])
def test_a_vector_is_rotated_as_transformers_does(
    request: pytest.FixtureRequest, architecture: str
) -> None:
    base: Base = request.getfixturevalue(architecture)
    model = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    positions = torch.arange(256).view(2, 128) * 13
    torch.manual_seed(0)
    x = torch.randn(256, 4, 32)

    rotated = rotate(x, RotaryEmbedding(model.config, CPU).at(positions))

    cos, sin = model.model.rotary_emb(x, positions.view(1, -1))
    query = x.transpose(0, 1)[None]
    expected, _ = apply_rotary_pos_emb(query, query, cos, sin)
    assert torch.allclose(rotated, expected[0].transpose(0, 1), atol=1e-4)
    assert not torch.allclose(rotated, x, atol=0.1)
