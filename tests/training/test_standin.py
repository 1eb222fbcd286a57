"""The stand-in base: built from unlabelled tickets, the same each time, fit to be added."""

import json
import random
from pathlib import Path

import pytest

from classifier.model.bases.entries import add_base
from classifier.model.bases.tokenizer import load_tokenizer
from core.errors import InputError
from paidan.sample.generator import generate
from tests.support.models import STANDIN
from training.standin import (
    BUILD,
    THOUGHT,
    StandinSettings,
    build_standin,
    learned_rows,
    train_tokenizer,
)

SMALL = StandinSettings(vocabulary=600, hidden=64, intermediate=64, layers=1, heads=2, kv_heads=1)


def tickets(count: int) -> list[tuple[str | None, str]]:
    return [(ticket.title, ticket.text) for ticket in generate(count)]


def test_the_same_tickets_and_seed_give_the_same_files(tmp_path: Path) -> None:
    lines: list[str] = []
    for name in ("one", "two"):
        build_standin(tmp_path / name, tickets(150), settings=SMALL, progress=lines.append)
    build_standin(tmp_path / "other", tickets(150), settings=SMALL, seed=1)

    one, two, other = (
        json.loads((tmp_path / name / BUILD).read_text())["sha256"]["model.safetensors"]
        for name in ("one", "two", "other")
    )
    assert one == two != other
    assert lines


def test_a_built_stand_in_can_be_added(tmp_path: Path) -> None:
    build_standin(tmp_path / "mine", tickets(150), settings=SMALL)

    base = add_base(str(tmp_path / "mine"), tmp_path / "bases")

    assert base.architecture == "Qwen2ForCausalLM"
    tokenizer = load_tokenizer(base)
    assert len(tokenizer(["</think>"], add_special_tokens=False)["input_ids"][0]) == 1
    assert (tmp_path / "mine" / "model.safetensors").stat().st_mode & 0o044


def test_of_a_long_ticket_some_is_shown_and_some_asked_for() -> None:
    long = [(title, text * repeats) for repeats in (1, 8, 40) for title, text in tickets(100)]
    long += [(None, "没有热水"), (None, "！！！")] * 50
    tokenizer = train_tokenizer(long, 600)

    rows = learned_rows(long, tokenizer, random.Random(1))

    thought = tokenizer.convert_tokens_to_ids(THOUGHT)
    assert max(map(len, rows)) == 512
    for row in rows:
        assert row.count(thought) == 1
        assert row[-1] == tokenizer.eos_token_id
        assert 4 < row.index(thought) < len(row) - 3
    assert len({len(row) for row in rows[-100:]}) > 2  # one sentence is divided anywhere


def test_too_few_tickets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="99 tickets are too few"):
        build_standin(tmp_path / "mine", tickets(99), settings=SMALL)


def test_the_shipped_one_says_how_it_was_made() -> None:
    facts = json.loads((STANDIN.path / BUILD).read_text())

    assert facts["seed"] == 3407
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        assert facts["sha256"][name] == STANDIN.files[name]
