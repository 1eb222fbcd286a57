"""The tensors of a decoder layer."""

from classifier.model.backbone import load_backbone
from classifier.model.bases.base import Base
from classifier.model.conversion import kept_weights
from classifier.model.layer_weights import layer_weights
from classifier.model.linear_weights import LinearWeights
from classifier.model.lora import LoraLinear
from tests.support.runners import CPU


def test_each_linear_layer_is_converted_and_stands_in_its_place(base: Base) -> None:
    module = load_backbone(base, "full", CPU).model.model.layers[1]
    converted: list[LoraLinear] = []

    def convert(layer: LoraLinear) -> LinearWeights:
        converted.append(layer)
        return LinearWeights(layer.weight, None, None, None, layer.bias)

    weights = layer_weights(module, convert)

    assert len(converted) == 7
    assert weights.k.weight is module.self_attn.k_proj.weight
    assert weights.o.weight is module.self_attn.o_proj.weight
    assert weights.gate.weight is module.mlp.gate_proj.weight
    assert weights.down.weight is module.mlp.down_proj.weight
    assert weights.attention_norm is module.input_layernorm.weight
    assert weights.mlp_norm is module.post_attention_layernorm.weight
    assert (weights.q_norm, weights.k_norm) == (None, None)


def test_qwen3_norms_its_queries_and_keys(qwen3: Base) -> None:
    module = load_backbone(qwen3, "full", CPU).model.model.layers[1]

    weights = layer_weights(module, kept_weights)

    assert weights.q_norm is module.self_attn.q_norm.weight
    assert weights.k_norm is module.self_attn.k_norm.weight
