"""Divergence: weights or scores that are no finite numbers. Nothing is learned from there on."""

import numpy as np
import torch
from torch.nn.utils import get_total_norm

from classifier.calibration import Floats
from core.errors import InputError

_CURE = (
    "Set a lower training.learning_rate (or answer.head_learning_rate), a longer "
    "training.warmup_steps or a lower training.max_grad_norm in the recipe"
)


def check_weights(model: torch.nn.Module, step: int) -> None:
    """Refuse to go on with weights that are learned and are no finite numbers.

    The loss does not tell: transformers leaves one that is no number out of its mean.

    Args:
        model: what is trained, with its head.
        step: optimiser steps until now.

    Raises:
        InputError: one is infinite or no number; says what to set.
    """
    learned = [one.detach() for one in model.parameters() if one.requires_grad]
    # One answer for all: asking a GPU for each would make the training wait.
    if not torch.isfinite(get_total_norm(learned, norm_type=torch.inf)):
        raise InputError(
            f"the training diverged: at step {step:,} its weights are no finite numbers. {_CURE}"
        )


def check_scores(scores: Floats) -> None:
    """Refuse scores of held-out tickets that are no numbers: weights can be finite and too large.

    Raises:
        InputError: one is no number; says what to set.
    """
    if np.isnan(scores).any():
        raise InputError(
            f"the training diverged: what it learned scores held-out tickets by no numbers. {_CURE}"
        )
