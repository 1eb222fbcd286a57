"""A tokenizer with which thoughts or ends could not be told from text is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from classifier.model.bases.tokenizer import load_tokenizer
from tests.support.bases import assert_refused
from tests.support.models import STANDIN


def edit(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


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
        (drop_think, "tokens of </think>, one is needed"),
        (shrink_vocabulary, "beyond the model's vocabulary of 100"),
        (lambda s: edit(s / "tokenizer_config.json", eos_token=None), "no end token"),
    ],
)
def test_a_tokenizer_that_does_not_fit_is_refused(
    source: Path, bases: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(source)

    assert_refused(source, bases, told)
