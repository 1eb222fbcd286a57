"""Bases that are broken or of another kind are refused when they are added; unusual ones work."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from classifier.model.backbone import check_loaded, load_backbone
from classifier.model.bases.base import Base, examine
from classifier.model.bases.entries import add_base
from classifier.model.bases.files import INDEX, WEIGHTS
from classifier.model.quantization import nf4_config
from core.errors import ModelVersionError
from tests.support.models import random_base

CPU = torch.device("cpu")
HEAD, QUERY = "lm_head.weight", "model.layers.0.self_attn.q_proj.weight"
Tensors = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers, the head not tied."""
    return random_base(tmp_path_factory.mktemp("sound") / "tiny").path


@pytest.fixture
def source(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "tiny"))


def configure(source: Path, **values: object) -> None:
    path = source / "config.json"
    kept = json.loads(path.read_text()) | values
    path.write_text(json.dumps({name: value for name, value in kept.items() if value is not None}))


def rewrite(source: Path, change: Callable[[Tensors], object]) -> None:
    tensors = load_file(source / WEIGHTS)
    change(tensors)
    save_file(tensors, source / WEIGHTS, metadata={"format": "pt"})


def shard(source: Path) -> None:
    tensors = load_file(source / WEIGHTS)
    (source / WEIGHTS).unlink()
    places = {}
    for number, keys in enumerate((sorted(tensors)[::2], sorted(tensors)[1::2]), 1):
        name = f"model-0000{number}-of-00002.safetensors"
        save_file({key: tensors[key] for key in keys}, source / name, metadata={"format": "pt"})
        places |= dict.fromkeys(keys, name)
    (source / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": places}))


def put_pointer(source: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 42\n"
    (source / WEIGHTS).write_text(pointer)


def cut_off(source: Path) -> None:
    content = (source / WEIGHTS).read_bytes()
    (source / WEIGHTS).write_bytes(content[: len(content) // 2])


def to_pickle(source: Path) -> None:
    torch.save(load_file(source / WEIGHTS), source / "pytorch_model.bin")
    (source / WEIGHTS).unlink()


def to_gguf(source: Path) -> None:
    for name in (WEIGHTS, "config.json", "tokenizer.json"):
        (source / name).unlink()
    (source / "tiny-q4_k_m.gguf").write_bytes(b"GGUF" + bytes(100))


def to_adapter(source: Path) -> None:
    (source / WEIGHTS).rename(source / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "base_model_name_or_path": "Qwen/Qwen2.5-7B"}
    (source / "adapter_config.json").write_text(json.dumps(config))


def to_sentencepiece(source: Path) -> None:
    (source / "tokenizer.json").rename(source / "tokenizer.model")


def lose_a_shard(source: Path) -> None:
    shard(source)
    (source / "model-00002-of-00002.safetensors").unlink()


def lose_the_index(source: Path) -> None:
    shard(source)
    (source / INDEX).unlink()


def lose_a_shards_tensor(source: Path) -> None:
    shard(source)
    first = source / "model-00001-of-00002.safetensors"
    tensors = load_file(first)
    tensors.pop(sorted(tensors)[-1])
    save_file(tensors, first)


def put_nan(tensors: Tensors) -> None:
    tensors[QUERY][3, 5] = torch.nan


def put_integers(tensors: Tensors) -> None:
    tensors[QUERY] = tensors[QUERY].to(torch.int8)


GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 128}
FP8 = {"quant_method": "fp8", "activation_scheme": "dynamic"}
NF4 = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (put_pointer, "pointers of Git LFS instead of model.safetensors: fetch the files with"),
        (cut_off, "model.safetensors is damaged or cut off"),
        (to_pickle, "a pickle (pytorch_model.bin): weights must be safetensors"),
        (to_gguf, "a model for llama.cpp (tiny-q4_k_m.gguf)"),
        (to_adapter, "is an adapter and no base: add the base it was trained on (Qwen/Qwen2.5-7B)"),
        (to_sentencepiece, "has tokenizer.model alone: make its tokenizer.json"),
        (lose_a_shard, "model-00002-of-00002.safetensors is missing: was all of it fetched?"),
        (lose_the_index, f"holds 2 parts of weights without {INDEX}"),
        (lose_a_shards_tensor, "the weights lack 1 of"),
        (lambda s: shard(s) or (s / INDEX).write_text("{}"), "names no file of weights"),
        (lambda s: configure(s, quantization_config=GPTQ), "quantised already (gptq)"),
        (lambda s: configure(s, quantization_config=FP8), "quantised already (fp8)"),
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
        (lambda s: configure(s, num_hidden_layers=4), "config.json describes no model"),
        (
            lambda s: configure(s, vocab_size=5000),
            "4096 x 128 in model.safetensors, config.json asks for 5000 x 128",
        ),
        (lambda s: configure(s, model_type="llama"), "but its model_type makes LlamaForCausalLM"),
        (lambda s: configure(s, architectures=None), "the architecture none"),
        (
            lambda s: configure(
                s, use_sliding_window=True, sliding_window=64, max_window_layers=1, layer_types=None
            ),
            "a window of 64 tokens only",
        ),
        (lambda s: configure(s, hidden_act="gelu"), "its layers use gelu"),
        (lambda s: rewrite(s, put_nan), f"{QUERY} in"),
        (lambda s: rewrite(s, put_integers), "is of type I8"),
    ],
)
def test_a_broken_base_is_refused_in_one_line(
    source: Path, tmp_path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(source)

    with pytest.raises(ModelVersionError, match=r"^base tiny: ") as refused:
        add_base(str(source), tmp_path / "bases")

    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "bases").exists()


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


def test_weights_that_transformers_made_up_are_refused_after_loading(source: Path) -> None:
    base = examine(source, "old")
    rewrite(source, lambda tensors: tensors.pop(HEAD))

    _, told = AutoModelForCausalLM.from_pretrained(str(source), output_loading_info=True)

    with pytest.raises(ModelVersionError, match=f"lacks 1 tensors, such as {HEAD}"):
        check_loaded(base, told)
