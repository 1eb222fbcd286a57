"""A base's tokenizer: loaded, and checked before the base is entered."""

from typing import Any

from classifier.labels.template import END_THINK, THINK
from classifier.model.bases.base import Base
from classifier.model.bases.files import read_json
from core.errors import ModelVersionError


def load_tokenizer(base: Base) -> Any:
    """Return the base's tokenizer, of transformers."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(base.path), local_files_only=True)


def has_thoughts(tokenizer: Any) -> bool:
    """Return whether a tokenizer has the marks between which a base thinks, as a token each."""
    return all(_is_token(tokenizer, mark) for mark in (THINK, END_THINK))


def check_tokenizer(base: Base) -> None:
    """Refuse a tokenizer with which thoughts or ends could not be told from text.

    One without the marks of thoughts is fine: prompts then have no thought.
    """
    try:
        tokenizer = load_tokenizer(base)
    except (ValueError, OSError, ImportError) as error:
        raise ModelVersionError(
            f"base {base.name}: its tokenizer cannot be loaded ({error})"
        ) from error

    marks = {mark: _is_token(tokenizer, mark) for mark in (THINK, END_THINK)}
    if len(set(marks.values())) > 1:
        there, missing = sorted(marks, key=lambda mark: not marks[mark])
        raise ModelVersionError(
            f"base {base.name}: its tokenizer has {there} as a token and {missing} not: mend "
            "tokenizer.json, so that it has both, for a base that thinks, or none"
        )
    if tokenizer.eos_token_id is None:
        raise ModelVersionError(f"base {base.name}: its tokenizer names no end token (eos_token)")
    bos = tokenizer.bos_token_id
    if bos is not None and tokenizer("工单", add_special_tokens=True)["input_ids"].count(bos) > 1:
        raise ModelVersionError(
            f"base {base.name}: its tokenizer begins a text with two {tokenizer.bos_token}; mend "
            "add_bos_token and the template in tokenizer_config.json"
        )
    size = read_json(base.path / "config.json", base.name).get("vocab_size", 0)
    if max(tokenizer.get_vocab().values()) >= size:
        raise ModelVersionError(
            f"base {base.name}: its tokenizer has tokens beyond the model's vocabulary of {size}"
        )


def _is_token(tokenizer: Any, mark: str) -> bool:
    """Return whether a text is one token of its own, and not that of unknown text."""
    number = tokenizer.get_vocab().get(mark)
    found = tokenizer(mark, add_special_tokens=False)["input_ids"]
    return number is not None and found == [number]
