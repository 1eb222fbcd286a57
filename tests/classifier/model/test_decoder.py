"""The decoder layer, beside that of transformers."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from classifier.model.bases.base import Base
from classifier.model.blocks import blocks_of_all
from classifier.model.conversion import kept_weights
from classifier.model.decoder import DecoderLayer, norm
from classifier.model.frame import Frame
from classifier.model.kv_cache import PAGE, KVCache, head_size
from classifier.model.layer_weights import layer_weights
from classifier.model.lora import replace_linears
from classifier.model.pack import Pack
from classifier.model.rotary import RotaryEmbedding
from classifier.model.row_tables import RowTables
from classifier.model.segment import Segment
from tests.support.runners import CPU

TOKENS = 2 * PAGE


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("architecture", ["base", "llama", "qwen3"])
@torch.inference_mode()
def test_a_layer_computes_what_transformers_computes(
    request: pytest.FixtureRequest, architecture: str
) -> None:
    # Given a layer, and two blocks of one ticket
    base: Base = request.getfixturevalue(architecture)
    model = AutoModelForCausalLM.from_pretrained(
        base.path, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    module, config = model.model.layers[0], model.config
    torch.manual_seed(0)
    hidden = torch.randn(2, PAGE, 128)
    positions = torch.arange(TOKENS)
    mask = torch.full((TOKENS, TOKENS), -torch.inf).triu(1)[None, None]
    expected = module(
        hidden.view(1, TOKENS, -1),
        attention_mask=mask,
        position_embeddings=model.model.rotary_emb(hidden, positions[None]),
    )

    # When it is computed from its weights over the cache
    cache = KVCache(1, 2, head_size(config), dtype=torch.float32, device=CPU)
    pack, tables = Pack(cache, [Segment([0] * TOKENS, ticket=1)]), RowTables(CPU)
    tables.grow(cache.rows)
    rows, *entries = (torch.from_numpy(array).int() for array in RowTables.entries(pack))
    tables.write(rows, entries)
    contents = Frame.contents(pack, slice(None), TOKENS, blocks_of_all(pack, 2))
    frame = Frame(torch.from_numpy(contents).int(), TOKENS, tables)
    replace_linears(module, torch.float32)
    weights = layer_weights(module, kept_weights)
    layer, rope = DecoderLayer.of(config, CPU), RotaryEmbedding(config, CPU).at(frame.positions)
    keys, values = cache.keys[0], cache.values[0]
    found = layer.forward(hidden, weights, rope, keys, values, frame.rows, frame.visible)

    # Then it is the same, and so are the tokens asked after once all are cached
    assert torch.allclose(found.view(1, TOKENS, -1), expected, atol=1e-3)
    keys.zero_(), values.zero_()
    layer.cache_keys_values(hidden, weights, rope, keys, values, frame.rows)
    last = model.model.norm.weight
    asked = layer.forward_asked(hidden, weights, rope, keys, values, frame.visible, last)
    assert torch.allclose(asked, norm(found.flatten(0, 1), last, config.rms_norm_eps), atol=1e-4)


def test_a_norm_is_rounded_once() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(64, 128).bfloat16(), torch.randn(128).bfloat16()

    found = norm(x, weight, 1e-6)

    exact = torch.nn.functional.rms_norm(x.double(), (128,), weight.double(), 1e-6)
    assert torch.allclose(found.double(), exact, rtol=2**-8, atol=0)
