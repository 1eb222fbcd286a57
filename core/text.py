"""What a model sees of a ticket, and how long that will be."""

from core.privacy import mask

# Measured with a Qwen2 tokenizer on hotline messages (0.66 tokens a CJK character) and on English
# bank questions (0.24 a character), rounded up: an estimate too low would overfill a batch.
_TOKENS_PER_CJK = 0.7
_TOKENS_PER_OTHER = 0.3
_TOKENS_PER_TICKET = 4


def model_text(title: str | None, text: str) -> str:
    """Join title and text and mask them: the one form in which models are trained and asked."""
    whole = f"{title}\n{text}" if title and title != text else text
    return mask(whole)


def estimate_tokens(title: str | None, text: str) -> int:
    """Estimate the ticket's length in LLM tokens without a tokenizer, erring to the high side."""
    whole = (title or "") + text
    wide = sum(character > "\u2e7f" for character in whole)
    tokens = wide * _TOKENS_PER_CJK + (len(whole) - wide) * _TOKENS_PER_OTHER
    return _TOKENS_PER_TICKET + round(tokens)
