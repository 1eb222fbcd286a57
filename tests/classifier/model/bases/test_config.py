"""A configuration that Paidan does not compute is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.bases import assert_refused, configure

GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 128}
FP8 = {"quant_method": "fp8", "activation_scheme": "dynamic"}


def to_llama(source: Path, **values: object) -> None:
    """Make a Llama of it, which transformers computes without any window."""
    own = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "layer_types": None}
    configure(source, **own | values)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda s: configure(s, quantization_config=GPTQ), "quantised already (gptq)"),
        (lambda s: configure(s, quantization_config=FP8), "quantised already (fp8)"),
        (lambda s: configure(s, num_hidden_layers=4), "config.json describes no model"),
        (lambda s: configure(s, model_type="llama"), "but its model_type makes LlamaForCausalLM"),
        (lambda s: configure(s, architectures=None), "the architecture none"),
        (
            lambda s: configure(
                s, use_sliding_window=True, sliding_window=64, max_window_layers=1, layer_types=None
            ),
            "a window of 64 tokens only",
        ),
        (lambda s: configure(s, hidden_act="gelu"), "its layers use gelu"),
        (lambda s: configure(s, architectures=["Qwen3MoeForCausalLM"]), "Qwen3MoeForCausalLM"),
        (lambda s: configure(s, partial_rotary_factor=0.5), "rotates a part of each head alone"),
        (lambda s: to_llama(s, sliding_window=64), "a window of 64 tokens only"),
        (lambda s: to_llama(s, layer_types=["full_attention", "sliding_attention"]), "a window of"),
    ],
)
def test_what_is_not_computed_is_refused_in_one_line(
    source: Path, tmp_path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(source)

    assert_refused(source, tmp_path / "bases", told)
