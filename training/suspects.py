"""Lists labels that look wrong, for a person to look at again. Nothing is dropped for it.

Each ticket is answered by linear models that learned neither it nor a near-duplicate;
``confident`` says which labels those answers contradict. Where a label was given by rule and the
model does not know the rule, the label is right and stands in the list all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifier.calibration import fit_temperature, softmax
from core.errors import InputError
from training.confident import confident_classes, normalised_margin, self_confidence
from training.linear.answers import answers_of_folds
from training.linear.data import Data
from training.linear.features import FEATURES
from training.linear.selection import HINGES, choose_setting
from training.linear.setting import Setting
from training.near_duplicates import group_near_duplicates
from training.progress import SILENT, Progress
from training.samples import Sample

FOLDS = 5
"""Each ticket is answered by a model that learned four fifths of the others."""
QUICK = Setting(FEATURES[0], HINGES[:1], (1.0,))
"""Measured: a fifth of the time of the best setting, and as many planted labels found."""
LEAST_TICKETS, MOST_CHARACTERS = 300, 2_000_000
"""Between these a quick look is worth something and takes a minute at most."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A ticket and what held-out answers say of its label.

    Parameters:
        sample: the ticket with its label.
        suggested: code of the most probable other unit.
        confidence: probability of the label.
        margin: by how much the label is more probable than the best other, -1 to 1.
        confident: whether confident learning counts the ticket as another unit's.
    """

    sample: Sample
    suggested: str
    confidence: float
    margin: float
    confident: bool


def find_suspects(
    samples: Sequence[Sample],
    seed: int = 42,
    progress: Progress = SILENT,
    setting: Setting | None = None,
) -> list[Suspect]:
    """Return every ticket that can be asked about, the most suspect first.

    The order is that of the label's probability: it finds more planted labels than the margin does
    (``bench.suspects``). The only ticket of a unit, or its only near-duplicates, cannot be held
    out, so nothing is said of them.

    Args:
        samples: labelled tickets of two units or more.
        seed: of folds, subsample and fits.
        progress: is told how the linear model was chosen.
        setting: of the linear models; None for the best, which takes some time to choose.

    Raises:
        InputError: the texts have nothing in common to learn from.
    """
    codes = sorted({sample.unit for sample in samples})
    data = _data(samples, codes)
    setting = setting or choose_setting(data, seed, progress)
    rows, logits = answers_of_folds(data, setting, seed, FOLDS)
    labels = data.labels[rows]
    chances = softmax(logits, fit_temperature(logits, labels))
    margins, own = normalised_margin(chances, labels), self_confidence(chances, labels)
    classes = confident_classes(chances, labels)
    # What the model itself answers as labelled is no suspect, whichever threshold it reaches.
    flagged = (classes >= 0) & (classes != labels) & (chances.argmax(axis=1) != labels)
    others = chances.copy()
    np.put_along_axis(others, labels[:, None], -1.0, axis=1)
    suggested = others.argmax(axis=1)
    return [
        Suspect(
            samples[int(rows[at])],
            codes[int(suggested[at])],
            float(own[at]),
            float(margins[at]),
            bool(flagged[at]),
        )
        for at in np.lexsort((rows, own)).tolist()
    ]


def quick_suspects(samples: Sequence[Sample], progress: Progress) -> list[Suspect] | None:
    """Return what ``find_suspects`` does, before a training; None with a reason that is said."""
    characters = sum(len(sample.text) for sample in samples)
    if len(samples) < LEAST_TICKETS:
        why = f"{len(samples):,} tickets are too few to say"
    elif len({sample.unit for sample in samples}) == 1:
        why = "all are of one unit"
    elif characters > MOST_CHARACTERS:
        why = f"{len(samples):,} tickets take more than a minute ('paidan data suspects' does)"
    else:
        try:
            if found := find_suspects(samples, setting=QUICK):
                return found
            why = "each is a near-duplicate of all others of its unit"
        except InputError as error:
            why = str(error)
    progress.say(f"labels that look wrong are not looked for: {why}")
    return None


def _data(samples: Sequence[Sample], codes: Sequence[str]) -> Data:
    numbers = {code: number for number, code in enumerate(codes)}
    texts = [sample.text for sample in samples]
    labels = np.array([numbers[sample.unit] for sample in samples], dtype=np.int64)
    return Data(texts, labels, len(codes), group_near_duplicates(texts))
