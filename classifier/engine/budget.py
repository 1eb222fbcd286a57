"""How many tokens a forward may read, and how that shrinks where the GPU's memory is too small."""

import logging

from classifier.model.runner import Runner

logger = logging.getLogger(__name__)

CHEAP_TOKENS = 1024
"""A forward of so many tokens costs little more than one of a single token."""


class TokenBudget:
    """How many tokens a forward may read.

    After a forward for which there was no memory the next one is half as long. It doubles again
    with every forward that succeeds, up to ``tokens``, which stays halved.

    Args:
        runner: runs the forwards; its budget shrinks with this one.
        tokens: of one forward at most; the runner's budget by default.
    """

    def __init__(self, runner: Runner, tokens: int | None = None) -> None:
        self.tokens = tokens or runner.token_budget
        self._runner = runner
        self._next = self.tokens

    @property
    def next(self) -> int:
        """The tokens of the next forward at most."""
        return min(self._next, self.tokens)

    def reset(self) -> None:
        """Let the next forward be as long as any."""
        self._next = self.tokens

    def grow(self) -> None:
        """Take notice of a forward for which there was memory."""
        self._next = min(2 * self._next, self.tokens)

    def shrink(self, tokens: int) -> None:
        """Take notice of a forward of so many tokens for which there was no memory."""
        self._next = max(1, tokens // 2)
        # A small forward tells nothing of large ones: something else took the memory just then.
        learned = max(CHEAP_TOKENS, tokens // 2)
        if learned < self.tokens and tokens > CHEAP_TOKENS:
            self.tokens = self._runner.token_budget = learned
        logger.warning(
            "no GPU memory for a forward of %d tokens; forwards have %d at most from now on",
            tokens,
            self.tokens,
            extra={"action": "budget.shrunk", "tokens": tokens, "budget": self.tokens},
        )
