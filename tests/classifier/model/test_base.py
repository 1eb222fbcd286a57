"""Base models: added after checks, found by name, refused when they do not fit or were changed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from classifier.model.bases.entries import STAND_IN, add_base, find_base, list_bases, only_base
from classifier.model.bases.tokenizer import load_tokenizer
from core.errors import ModelVersionError, StorageError
from tests.support.models import STANDIN, TOKENIZER_FILES, random_base


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return random_base(tmp_path / "tiny").path


@pytest.fixture
def bases(tmp_path: Path) -> Path:
    return tmp_path / "models" / "bases"


def edit(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_an_added_base_is_found_by_its_name(source: Path, bases: Path) -> None:
    added = add_base(str(source), bases)

    found = find_base("tiny", bases)
    assert found == added
    assert found.path == source
    assert [base.name for base in list_bases(bases)] == [STAND_IN, "tiny"]
    assert only_base(bases).name == "tiny"
    found.check()


def test_a_base_below_the_models_moves_with_them(source: Path, bases: Path, tmp_path: Path) -> None:
    shutil.copytree(source, bases / "weights")
    add_base(str(bases / "weights"), bases, "tiny")

    (tmp_path / "models").rename(tmp_path / "moved")

    find_base("tiny", tmp_path / "moved" / "bases").check()


def test_the_stand_in_is_there_without_being_added(bases: Path) -> None:
    base = find_base(STAND_IN, bases)

    assert only_base(bases) == base
    assert sum(base.sizes.values()) < 6_500_000
    assert base.sizes["model.safetensors"] <= 6_000_000
    tokenizer = load_tokenizer(base)
    assert tokenizer.pad_token_id != tokenizer.eos_token_id


def test_the_stand_ins_tokenizer_reads_any_text() -> None:
    tokenizer = load_tokenizer(STANDIN)
    text = "路灯 broken 💡\n### Question:\n①Ⅱ"

    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def drop_think(source: Path) -> None:
    path = source / "tokenizer.json"
    path.write_text(path.read_text().replace("</think>", "</thonk>"))
    path = source / "tokenizer_config.json"
    path.write_text(path.read_text().replace("</think>", "</thonk>"))


def shrink_vocabulary(source: Path) -> None:
    edit(source / "config.json", vocab_size=100)
    weights = load_file(source / "model.safetensors")
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[name] = weights[name][:100].clone()
    save_file(weights, source / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda s: (s / "config.json").unlink(), "config.json is missing"),
        (lambda s: (s / "config.json").write_text("{"), "cannot be read"),
        (lambda s: edit(s / "config.json", architectures=["GPT2LMHeadModel"]), "GPT2LMHeadModel"),
        (lambda s: (s / "model.safetensors").unlink(), "model.safetensors is missing"),
        (lambda s: (s / "tokenizer.json").unlink(), "tokenizer.json is missing"),
        (drop_think, "tokens of </think>, one is needed"),
        (shrink_vocabulary, "beyond the model's vocabulary of 100"),
        (lambda s: edit(s / "tokenizer_config.json", eos_token=None), "no end token"),
    ],
)
def test_a_base_that_does_not_fit_is_refused(
    source: Path, bases: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(source)

    with pytest.raises(ModelVersionError, match="base tiny") as refused:
        add_base(str(source), bases)

    assert told in str(refused.value)
    assert not (bases / "tiny.json").exists()


def test_what_is_neither_a_directory_nor_an_id_is_refused(bases: Path) -> None:
    with pytest.raises(ModelVersionError, match="is no directory, and no id"):
        add_base("/no/such/place", bases)


def test_a_model_of_the_hub_without_a_network_says_what_to_do(
    bases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(StorageError, match="without a network, copy the model's directory"):
        add_base("paidan-test/none", bases)


def test_the_stand_ins_name_is_taken(source: Path, bases: Path) -> None:
    with pytest.raises(ModelVersionError, match="cannot be a base's name"):
        add_base(str(source), bases, STAND_IN)


def test_an_unknown_base_names_those_there_are(source: Path, bases: Path) -> None:
    add_base(str(source), bases)

    with pytest.raises(ModelVersionError, match="there are: standin, tiny"):
        find_base("7b", bases)


def test_several_bases_need_a_choice(source: Path, bases: Path) -> None:
    add_base(str(source), bases, "one")
    add_base(str(source), bases, "two")

    with pytest.raises(ModelVersionError, match="one, two"):
        only_base(bases)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", *TOKENIZER_FILES])
def test_a_base_changed_after_it_was_added_is_refused(source: Path, bases: Path, name: str) -> None:
    base = add_base(str(source), bases)
    content = bytearray((source / name).read_bytes())
    content[-2] ^= 1
    (source / name).write_bytes(content)

    with pytest.raises(ModelVersionError, match="was changed since"):
        base.check()
