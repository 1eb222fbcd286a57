"""Held-out answers made of chance."""

import numpy as np

from training.held_out import HeldOut


def answers_of(
    sharpness: float, tickets: int = 300, units: int = 4, factor: float = 1.0, seed: int = 5
) -> HeldOut:
    """Answers whose right units stand out of the seed's noise by so much, times a factor."""
    labels = np.random.default_rng(5).integers(units, size=tickets)
    logits = np.random.default_rng(seed).normal(size=(tickets, units))
    logits[np.arange(tickets), labels] += sharpness
    return HeldOut((logits * factor).astype(np.float32), labels, np.arange(tickets))
