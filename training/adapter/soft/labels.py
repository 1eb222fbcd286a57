"""What each sample is learned as: a mixture of its label and what a teacher says."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from training.adapter.soft.file import file_probabilities
from training.adapter.soft.settings import Soft
from training.adapter.soft.targets import Chances
from training.adapter.soft.teacher import teacher_probabilities
from training.progress import Progress
from training.samples import Sample


def soft_labels(
    soft: Soft,
    samples: Sequence[Sample],
    taught: Sequence[str],
    units: Collection[str],
    versions: Path,
    progress: Progress,
) -> Chances | None:
    """Return (n, u) distributions that n samples are learned as; None where nothing teaches.

    Where the teacher cannot say (it has not learned the sample's unit), the label stands alone.

    Args:
        soft: the recipe's section.
        samples: to be learned.
        taught: codes of the u units with samples, sorted.
        units: codes of all units that there are.
        versions: the folder of the version that teaches.
        progress: is told how often label and teacher agree.

    Raises:
        InputError, ModelVersionError, DeviceError: see ``file`` and ``teacher``.
    """
    if soft.file is not None:
        given = file_probabilities(Path(soft.file), samples, taught, units, soft.missing)
    elif soft.version is not None:
        given = teacher_probabilities(soft.version, versions, samples, taught)
    else:
        return None
    rows = np.array([taught.index(sample.unit) for sample in samples])
    hard = np.eye(len(taught))[rows]
    says = given.sum(axis=1) > 0
    agreeing = (given.argmax(axis=1) == rows)[says]
    progress.say(
        f"soft labels by {soft.source}: {says.sum():,} of {len(samples):,} tickets, weight "
        f"{soft.weight:g}, temperature {soft.temperature:g}; the likeliest unit is the label's in "
        f"{agreeing.mean() if len(agreeing) else 0:.1%}"
    )
    mixed: Chances = hard.copy()
    mixed[says] *= 1 - soft.weight
    mixed[says] += soft.weight * softened(given[says], soft.temperature)
    return mixed


def softened(chances: Chances, temperature: float) -> Chances:
    """Return (n, u) probabilities as if their logits had been divided by a temperature.

    Args:
        chances: (n, u), each row summing to 1; a 0 stays one.
        temperature: over 0.
    """
    with np.errstate(divide="ignore"):
        logits = np.log(chances) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    powers = np.exp(logits)
    found: Chances = powers / powers.sum(axis=1, keepdims=True)
    return found
