"""Labelled tickets, and the checks every training starts with."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import InputError, TaxonomyError

_MINIMUM_UNITS = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """A ticket as a model sees it, and the unit that handled it.

    Parameters:
        text: the ticket as ``core.text.model_text`` made it.
        unit: the unit's code.
        thought: why it is this unit, where somebody wrote it down; masked likewise.
        source: where it stands, for people, such as a line of a file; nothing is learned from it.
        weight: how much it counts beside others, over 0; 1 as a rule.
    """

    text: str
    unit: str
    thought: str = ""
    source: str = field(default="", compare=False)
    weight: float = 1.0


def check_samples(samples: Sequence[Sample], units: Mapping[str, str]) -> None:
    """Refuse samples from which nothing can be learned.

    Args:
        samples: the training data.
        units: code -> name of every handling unit. Units without a sample are fine (a model
            never answers with them), and so are units with a single one.

    Raises:
        InputError: there are no samples, no text, or fewer than two units.
        TaxonomyError: a sample's unit is not among ``units``.
    """
    if not samples:
        raise InputError(
            "there is nothing to train on: import labelled tickets, or let people confirm some"
        )
    unknown = {sample.unit for sample in samples} - units.keys()
    if unknown:
        raise TaxonomyError(
            f"training data names units that the taxonomy lacks: {', '.join(sorted(unknown)[:10])}"
            ": add them, or map them to the units that replaced them"
        )
    learned = {sample.unit for sample in samples}
    if len(learned) < _MINIMUM_UNITS:
        raise InputError(
            f"all {len(samples)} samples belong to unit {learned.pop()}: a model needs tickets of "
            "at least two units"
        )
    if not any(sample.text.strip() for sample in samples):
        raise InputError("no sample has a text: check which column was imported as the text")


def data_sha256(samples: Iterable[Sample]) -> str:
    """Return a hash (hex) of the samples, whatever their order."""
    digest = hashlib.sha256()
    for line in sorted(map(_line, samples)):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _line(sample: Sample) -> str:
    facts: list[str | float] = [sample.unit, sample.text, sample.thought]
    return json.dumps(facts if sample.weight == 1 else [*facts, sample.weight])
