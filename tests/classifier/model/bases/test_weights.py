"""Weights that are not what the configuration asks for are refused; unusual ones work."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from classifier.model.backbone import load_backbone
from classifier.model.bases.base import Base, examine
from classifier.model.bases.entries import add_base
from classifier.model.bases.files import WEIGHTS
from classifier.model.quantization import nf4_config
from core.errors import ModelVersionError
from tests.support.bases import HEAD, QUERY, Tensors, assert_refused, configure, rewrite, shard
from tests.support.runners import CPU


def cut_off(source: Path) -> None:
    content = (source / WEIGHTS).read_bytes()
    (source / WEIGHTS).write_bytes(content[: len(content) // 2])


def lose_a_shards_tensor(source: Path) -> None:
    shard(source)
    first = source / "model-00001-of-00002.safetensors"
    tensors = load_file(first)
    tensors.pop(sorted(tensors)[-1])
    save_file(tensors, first)


def put_nan(tensors: Tensors) -> None:
    tensors[QUERY][3, 5] = torch.nan


def put_norm(tensors: Tensors) -> None:
    """As Qwen3 has it; Qwen2 would be computed without."""
    tensors["model.layers.0.self_attn.q_norm.weight"] = torch.ones(32)


def put_integers(tensors: Tensors) -> None:
    tensors[QUERY] = tensors[QUERY].to(torch.int8)


NF4 = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (cut_off, "model.safetensors is damaged or cut off"),
        (lose_a_shards_tensor, "the weights lack 1 of"),
        (lambda s: configure(s, quantization_config=NF4), "says that its weights are NF4"),
        (lambda s: rewrite(s, lambda t: t.pop(HEAD)), "head is not tied to the embeddings"),
        (lambda s: rewrite(s, lambda t: t.pop(QUERY)), f"lack 1 of 27 tensors, such as {QUERY}"),
        (lambda s: configure(s, tie_word_embeddings=True), "the weights hold another lm_head"),
        (
            lambda s: configure(s, num_hidden_layers=4, layer_types=None),
            "the weights lack 24 of 51 tensors, such as model.layers.2.",
        ),
        (
            lambda s: configure(s, num_hidden_layers=1, layer_types=None),
            "asks for 12 tensors less, without model.layers.1.",
        ),
        (
            lambda s: configure(s, vocab_size=5000),
            "4096 x 128 in model.safetensors, config.json asks for 5000 x 128",
        ),
        (lambda s: rewrite(s, put_norm), "tensors less, without model.layers.0.self_attn.q_norm"),
        (lambda s: rewrite(s, put_nan), f"{QUERY} in"),
        (lambda s: rewrite(s, put_integers), "is of type I8"),
    ],
)
def test_a_broken_base_is_refused_in_one_line(
    source: Path, tmp_path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(source)

    assert_refused(source, tmp_path / "bases", told)


def to_float32(source: Path) -> None:
    rewrite(source, lambda t: t.update({key: value.float() for key, value in t.items()}))
    configure(source, dtype=None, torch_dtype="float32")


def to_older_form(source: Path) -> None:
    """As files of earlier years are: with what is computed anyway, and rotary settings alone."""
    computed = {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(16)}
    rewrite(source, lambda t: t.update(computed))
    configure(source, rope_parameters=None, rope_theta=10_000.0)


def to_nf4(source: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(
        str(source), quantization_config=nf4_config(torch.float32), dtype=torch.float32
    )
    (source / WEIGHTS).unlink()
    model.save_pretrained(source)


def to_tied(source: Path) -> None:
    rewrite(source, lambda t: t.pop(HEAD))
    configure(source, tie_word_embeddings=True)


@pytest.mark.parametrize("change", [shard, to_float32, to_older_form, to_nf4, to_tied])
def test_an_unusual_base_is_added_and_loads(
    source: Path, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    change(source)

    base = add_base(str(source), tmp_path / "bases")

    assert load_backbone(base, device=CPU).base == base


def entered_before(source: Path) -> Base:
    """A base as it was entered when nobody looked at the weights."""
    return examine(source, "old")


@pytest.mark.parametrize("lost", [HEAD, QUERY])
def test_a_base_that_was_added_unlooked_at_is_refused_where_it_would_be_random(
    source: Path, lost: str
) -> None:
    rewrite(source, lambda tensors: tensors.pop(lost))

    with pytest.raises(ModelVersionError, match="base old: "):
        load_backbone(entered_before(source), device=CPU)
