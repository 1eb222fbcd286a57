"""The stand-in base: built from unlabelled tickets, the same each time, fit to be added."""

import json
from pathlib import Path

import pytest

from classifier.model.bases.entries import add_base
from classifier.model.bases.tokenizer import load_tokenizer
from core.errors import InputError
from tests.support.models import STANDIN
from tests.support.told import Told
from tests.support.unlabelled import unlabelled
from training.standin.build import BUILD, build_standin
from training.standin.settings import StandinSettings

SMALL = StandinSettings(vocabulary=600, hidden=64, intermediate=64, layers=1, heads=2, kv_heads=1)


def test_the_same_tickets_and_seed_give_the_same_files(tmp_path: Path) -> None:
    told = Told()
    for name in ("one", "two"):
        build_standin(tmp_path / name, unlabelled(150), settings=SMALL, progress=told)
    build_standin(tmp_path / "other", unlabelled(150), settings=SMALL, seed=1)

    one, two, other = (
        json.loads((tmp_path / name / BUILD).read_text())["sha256"]["model.safetensors"]
        for name in ("one", "two", "other")
    )
    assert one == two != other
    assert told.lines[0].startswith("tokenizer: ")
    assert "loss" in told.lines[-1]


def test_a_built_stand_in_can_be_added(tmp_path: Path) -> None:
    build_standin(tmp_path / "mine", unlabelled(150), settings=SMALL)

    base = add_base(str(tmp_path / "mine"), tmp_path / "bases")

    assert base.architecture == "Qwen2ForCausalLM"
    tokenizer = load_tokenizer(base)
    assert len(tokenizer(["</think>"], add_special_tokens=False)["input_ids"][0]) == 1
    assert (tmp_path / "mine" / "model.safetensors").stat().st_mode & 0o044


def test_too_few_tickets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="99 tickets are too few"):
        build_standin(tmp_path / "mine", unlabelled(99), settings=SMALL)


def test_the_shipped_one_says_how_it_was_made() -> None:
    facts = json.loads((STANDIN.path / BUILD).read_text())

    assert facts["seed"] == 3407
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        assert facts["sha256"][name] == STANDIN.files[name]
