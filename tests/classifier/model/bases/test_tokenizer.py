"""A tokenizer with which thoughts or ends could not be told from text is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from classifier.labels.template import END_THINK, THINK
from classifier.model.bases.base import examine
from classifier.model.bases.entries import add_base
from classifier.model.bases.tokenizer import has_thoughts, load_tokenizer
from tests.support.bases import assert_refused
from tests.support.models import STANDIN, without_marks


def edit(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_the_stand_ins_tokenizer_reads_any_text() -> None:
    tokenizer = load_tokenizer(STANDIN)
    text = "路灯 broken 💡\n### Question:\n①Ⅱ"

    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def shrink_vocabulary(source: Path) -> None:
    edit(source / "config.json", vocab_size=100)
    weights = load_file(source / "model.safetensors")
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[name] = weights[name][:100].clone()
    save_file(weights, source / "model.safetensors", metadata={"format": "pt"})


def drop(source: Path, *marks: str) -> None:
    without_marks(examine(source, "tiny"), *marks)


def test_a_tokenizer_without_marks_of_thoughts_is_fine(source: Path, bases: Path) -> None:
    assert has_thoughts(load_tokenizer(add_base(str(source), bases)))
    drop(source)

    assert not has_thoughts(load_tokenizer(add_base(str(source), bases)))


def test_a_mark_that_is_unknown_text_is_no_mark() -> None:
    words = Tokenizer(WordLevel({"?": 0}, unk_token="?"))

    assert not has_thoughts(PreTrainedTokenizerFast(tokenizer_object=words, unk_token="?"))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda s: drop(s, END_THINK), "has <think> as a token and </think> not"),
        (lambda s: drop(s, THINK), "has </think> as a token and <think> not"),
        (shrink_vocabulary, "beyond the model's vocabulary of 100"),
        (lambda s: edit(s / "tokenizer_config.json", eos_token=None), "no end token"),
    ],
)
def test_a_tokenizer_that_does_not_fit_is_refused(
    source: Path, bases: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(source)

    assert_refused(source, bases, told)
