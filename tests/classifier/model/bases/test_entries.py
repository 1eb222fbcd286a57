"""Base models: added after checks, found by name, refused when they do not fit or were changed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from classifier.model.bases.entries import STAND_IN, add_base, find_base, list_bases, only_base
from classifier.model.bases.tokenizer import load_tokenizer
from core.errors import ModelVersionError, StorageError
from tests.support.full_disk import files_up_to


def test_an_added_base_is_found_by_its_name(source: Path, bases: Path) -> None:
    added = add_base(str(source), bases)

    found = find_base("tiny", bases)
    assert found == added
    assert found.path == source
    assert [base.name for base in list_bases(bases)] == [STAND_IN, "tiny"]
    assert only_base(bases).name == "tiny"
    found.check()


def test_a_full_disk_leaves_no_entry(source: Path, bases: Path) -> None:
    with files_up_to(10), pytest.raises(StorageError, match=r"tiny\.json cannot be written"):
        add_base(str(source), bases)

    assert list(bases.iterdir()) == []
    assert [base.name for base in list_bases(bases)] == [STAND_IN]


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda _: b"[" * 99_999,
        lambda _: b"\xff",
        lambda entry: entry.replace(b'"name"', b'"\\u001b[2J"'),
        lambda entry: json.dumps(json.loads(entry) | {"sizes": {}}).encode(),
    ],
)
def test_an_entry_that_was_changed_is_told_in_one_line(
    source: Path, bases: Path, change: Callable[[bytes], bytes]
) -> None:
    add_base(str(source), bases)
    entry = bases / "tiny.json"
    entry.write_bytes(change(entry.read_bytes()))

    with pytest.raises(ModelVersionError, match=r"tiny\.json cannot be read.*again") as refused:
        list_bases(bases)

    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 700


def test_a_folder_that_the_system_does_not_even_look_for_is_told(tmp_path: Path) -> None:
    for look in (list_bases, only_base, lambda folder: find_base("tiny", folder)):
        with pytest.raises(StorageError, match="cannot be read: File name too long"):
            look(tmp_path / ("x" * 256))


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


def test_what_is_neither_a_directory_nor_an_id_is_refused(bases: Path) -> None:
    with pytest.raises(ModelVersionError, match=r"is no directory, no \.gguf file, and no id"):
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
