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


def check_tokenizer(base: Base) -> None:
    """Refuse a tokenizer with which thoughts or ends could not be told from text."""
    try:
        tokenizer = load_tokenizer(base)
    except (ValueError, OSError, ImportError) as error:
        raise ModelVersionError(
            f"base {base.name}: its tokenizer cannot be loaded ({error})"
        ) from error

    def ids(text: str, *, special: bool) -> list[int]:
        found: list[int] = tokenizer(text, add_special_tokens=special)["input_ids"]
        return found

    for marker in (THINK, END_THINK):
        count = len(ids(marker, special=False))
        if count != 1:
            raise ModelVersionError(
                f"base {base.name}: its tokenizer makes {count} tokens of {marker}, one is needed: "
                "take a base that thinks in these marks, such as DeepSeek-R1-Distill-Qwen"
            )
    if tokenizer.eos_token_id is None:
        raise ModelVersionError(f"base {base.name}: its tokenizer names no end token (eos_token)")
    bos = tokenizer.bos_token_id
    if bos is not None and ids("工单", special=True).count(bos) > 1:
        raise ModelVersionError(
            f"base {base.name}: its tokenizer begins a text with two {tokenizer.bos_token}; mend "
            "add_bos_token and the template in tokenizer_config.json"
        )
    size = read_json(base.path / "config.json", base.name).get("vocab_size", 0)
    if max(tokenizer.get_vocab().values()) >= size:
        raise ModelVersionError(
            f"base {base.name}: its tokenizer has tokens beyond the model's vocabulary of {size}"
        )
