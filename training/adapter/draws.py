"""Draws by a seed and a ticket's text: the same whatever the order, and in each try of a run."""

import hashlib

from training.gate.tickets import text_hash

_BYTES = 8


def drawn(seed: int, purpose: str, text: str) -> float:
    """Return a number from 0 up to 1, uniform over texts.

    Args:
        seed: of the recipe.
        purpose: what is drawn; draws for two purposes do not depend on each other.
        text: of the ticket.
    """
    digest = hashlib.sha256(f"{seed} {purpose} {text_hash(text)}".encode()).digest()
    return float(int.from_bytes(digest[:_BYTES]) / 2 ** (8 * _BYTES))
