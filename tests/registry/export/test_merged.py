"""A merged export is what the version computes: by plain transformers, to the last name."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from classifier.labels.trie import LabelTrie
from classifier.llm import LlmClassifier
from classifier.model.bases.base import Base, examine
from classifier.model.bases.entries import BASES, add_base
from classifier.model.bases.files import WEIGHTS
from classifier.model.quantization import nf4_config
from registry.export.merged import write_merged
from registry.export.source import Source
from tests.support.bases import HEAD, shard
from tests.support.llm import THEMES
from tests.support.llm_versions import added_base, random_llm
from tests.support.models import random_base
from tests.support.scores import brute_force, largest_gap

TEXTS = list(THEMES.values())


def exported(directory: Path, out: Path) -> Path:
    out.mkdir()
    write_merged(Source.open(directory), out)
    return out


def assert_same_answers(version: Path, out: Path) -> None:
    """Assert that plain transformers score names as the version does, within 1e-4."""
    engine = LlmClassifier.load(version).engine
    trie = LabelTrie(engine.prompt.labels, engine.backbone.end)
    plain = AutoModelForCausalLM.from_pretrained(out).eval()

    expected = [brute_force(plain, engine, trie, text) for text in TEXTS]

    assert largest_gap(engine.scores(TEXTS), expected) < 1e-4


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("shape", ["qwen2", "qwen3", "tied", "biased", "smol", "odd"])
def test_plain_transformers_on_a_merged_export_scores_as_the_version_does(
    shape: str, tmp_path: Path
) -> None:
    version = random_llm(tmp_path, added_base(tmp_path, tmp_path, shape))

    out = exported(version.path, tmp_path / "out")

    assert_same_answers(version.path, out)
    assert AutoTokenizer.from_pretrained(out).eos_token_id is not None


def to_shards(base: Base) -> None:
    shard(base.path)


def to_nf4(base: Base) -> None:
    model = AutoModelForCausalLM.from_pretrained(
        str(base.path), quantization_config=nf4_config(torch.float32), dtype=torch.float32
    )
    (base.path / WEIGHTS).unlink()
    model.save_pretrained(base.path)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("change", [to_shards, to_nf4])
def test_a_base_in_shards_or_in_four_bits_is_merged_alike(change: object, tmp_path: Path) -> None:
    assert callable(change)
    base = random_base(tmp_path / "base")
    change(base)
    version = random_llm(tmp_path, add_base(str(base.path), tmp_path / BASES))

    out = exported(version.path, tmp_path / "out")

    assert "quantization_config" not in json.loads((out / "config.json").read_text())
    assert_same_answers(version.path, out)


def test_what_no_adapter_touches_is_the_bases_to_the_bit(tmp_path: Path) -> None:
    base = added_base(tmp_path, tmp_path, "qwen2")
    version = random_llm(tmp_path, base)

    merged = load_file(exported(version.path, tmp_path / "out") / WEIGHTS)

    before = load_file(base.path / WEIGHTS)
    assert merged.keys() == before.keys()
    biases = [name for name in before if name.endswith("_proj.bias")]
    assert len(biases) == 6  # of query, key and value in two layers
    assert all(before[name].abs().max() > 0 for name in biases)
    same = {name for name in before if torch.equal(before[name], merged[name])}
    assert {name for name in before if name not in same} == {
        name for name in before if name.endswith("_proj.weight")
    }


def test_a_head_tied_to_the_embeddings_stays_tied(tmp_path: Path) -> None:
    version = random_llm(tmp_path, added_base(tmp_path, tmp_path, "tied"))

    out = exported(version.path, tmp_path / "out")

    assert HEAD not in load_file(out / WEIGHTS)
    model = AutoModelForCausalLM.from_pretrained(out)
    assert model.lm_head.weight is model.model.embed_tokens.weight


def test_weights_keep_the_type_of_the_base(tmp_path: Path) -> None:
    source = random_base(tmp_path / "base")
    AutoModelForCausalLM.from_pretrained(source.path, dtype=torch.bfloat16).save_pretrained(
        source.path
    )
    base = add_base(str(examine(source.path, "half").path), tmp_path / BASES)

    out = exported(random_llm(tmp_path, base).path, tmp_path / "out")

    assert {tensor.dtype for tensor in load_file(out / WEIGHTS).values()} == {torch.bfloat16}
