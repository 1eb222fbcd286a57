"""How many tokens a forward may read, and how that shrinks where the GPU's memory is too small."""

import logging

logger = logging.getLogger(__name__)

CHEAP_TOKENS = 1024
"""A forward of so many tokens costs little more than one of a single token."""


class TokenBudget:
    """How many tokens a forward may read.

    After a forward for which there was no memory, the next one has half its tokens. That limit
    doubles with every forward that succeeds, up to ``tokens``. The failure of a large forward
    lowers ``tokens`` too, for good.

    Args:
        tokens: of one forward at most.
    """

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self._next = tokens

    @property
    def next(self) -> int:
        """How many tokens the next forward may read."""
        return min(self._next, self.tokens)

    def reset(self) -> None:
        """Let the next forward be as long as any."""
        self._next = self.tokens

    def grow(self) -> None:
        """Take notice of a forward for which there was memory."""
        self._next = min(2 * self._next, self.tokens)

    def shrink(self, tokens: int) -> bool:
        """Take notice of a forward of so many tokens for which there was no memory.

        Return whether ``tokens`` is lower from now on.
        """
        self._next = max(1, tokens // 2)
        learned = max(CHEAP_TOKENS, tokens // 2)
        # A small forward tells nothing of large ones: something else took the memory just then.
        is_lower = tokens > CHEAP_TOKENS and learned < self.tokens
        if is_lower:
            self.tokens = learned
        logger.warning(
            "no GPU memory for a forward of %d tokens; forwards have %d at most from now on",
            tokens,
            self.tokens,
            extra={"action": "budget.shrunk", "tokens": tokens, "budget": self.tokens},
        )
        return is_lower
