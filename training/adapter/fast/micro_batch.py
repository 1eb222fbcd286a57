"""A micro-batch: the layout of one forward and backward, samples behind the prefix they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from classifier.model.kv_cache import PAGE
from classifier.model.segment import PADDING, PREFIX
from training.adapter.fast.examples import Example, Numbers
from training.adapter.fast.visibility import Visibility


@dataclass(frozen=True, slots=True)
class Targets:
    """What is learned at m places.

    Parameters:
        places: (m,) among the tokens.
        wanted: (m,) the token that follows there, or the unit's row in the head; or (m, u)
            probabilities of its rows.
        weights: (m,) float32, the summed weight of the samples for which each stands.
    """

    places: torch.Tensor
    wanted: torch.Tensor
    weights: torch.Tensor


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """n samples as 128·b tokens: the prefix once, then what each sample has of its own.

    Parameters:
        ids: (b, 128), filled up with zeros.
        positions: (b, 128), as if each sample stood alone.
        visible: which tokens each token sees.
        names: what the language model learns.
        answers: what the head learns.
        soft: what soft names add, see ``soft.targets.SoftNames``.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    visible: Visibility
    names: Targets
    answers: Targets
    soft: Targets

    @classmethod
    def of(cls, examples: Sequence[Example], shared: int, device: torch.device) -> Self:
        """Lay samples out that have their first ``shared`` tokens in common."""
        own = [len(example.ids) - shared for example in examples]
        starts = shared + np.cumsum([0, *own[:-1]])
        ids = [examples[0].ids[:shared], *(example.ids[shared:] for example in examples)]
        positions = [np.arange(length) for length in (shared, *own)]
        tickets = np.repeat([PREFIX, *range(len(own))], [shared, *own])
        places = np.concatenate([positions[0], *(shared + each for each in positions[1:])])
        size = -(-len(tickets) // PAGE) * PAGE
        return cls(
            _filled_up(np.concatenate(ids), size, 0).view(-1, PAGE).to(device),
            _filled_up(places, size, 0).view(-1, PAGE).to(device),
            Visibility.of(_filled_up(tickets, size, PADDING).numpy(), device),
            _names(examples, shared, starts, device),
            _answers(examples, shared, starts, device),
            _soft(examples, shared, starts, device),
        )


def _filled_up(values: Numbers, size: int, filling: int) -> torch.Tensor:
    return torch.from_numpy(np.pad(values, (0, size - len(values)), constant_values=filling))


def _moved(places: Numbers, shared: int, start: int) -> Numbers:
    """Return where a sample's tokens stand in the micro-batch."""
    moved: Numbers = np.where(places < shared, places, places - shared + start)
    return moved


def _names(
    examples: Sequence[Example], shared: int, starts: Numbers, device: torch.device
) -> Targets:
    """Return the learned tokens: those of the prefix once, for all samples that learn them."""
    within = [example.learned[example.learned < shared] for example in examples]
    each = [example.weight for example in examples]
    prefix, which = np.unique(np.concatenate(within), return_inverse=True)
    summed = np.bincount(which, np.repeat(each, list(map(len, within))))
    own = [example.learned[example.learned >= shared] for example in examples]
    places = [_moved(some - 1, shared, at) for some, at in zip(own, starts, strict=True)]
    wanted = [example.ids[some] for example, some in zip(examples, own, strict=True)]
    weights = np.concatenate([summed, np.repeat(each, list(map(len, own)))])
    return _targets(
        np.concatenate([prefix - 1, *places]),
        np.concatenate([examples[0].ids[prefix], *wanted]),
        weights,
        device,
    )


def _answers(
    examples: Sequence[Example], shared: int, starts: Numbers, device: torch.device
) -> Targets:
    read = [
        (int(_moved(np.array(example.answer_at), shared, at)), example.row, example.weight)
        for example, at in zip(examples, starts.tolist(), strict=True)
        if example.answer_at is not None
    ]
    places, rows = np.array([one[:2] for one in read], dtype=np.int64).reshape(-1, 2).T
    units = [one.units for one in examples if one.units is not None]
    wanted = np.array(units, dtype=np.float32) if units else rows
    return _targets(places, wanted, np.array([weight for *_, weight in read]), device)


def _soft(
    examples: Sequence[Example], shared: int, starts: Numbers, device: torch.device
) -> Targets:
    pairs = zip(examples, starts.tolist(), strict=True)
    places = [_moved(one.soft_places[:, 0], shared, at) for one, at in pairs]
    tokens = [one.soft_places[:, 1] for one in examples]
    weights = np.concatenate([one.soft_weights for one in examples])
    return _targets(np.concatenate(places), np.concatenate(tokens), weights, device)


def _targets(
    places: Numbers, wanted: np.ndarray, weights: np.ndarray, device: torch.device
) -> Targets:
    return Targets(
        torch.from_numpy(places.copy()).to(device),
        torch.from_numpy(wanted.copy()).to(device),
        torch.from_numpy(weights).float().to(device),
    )
