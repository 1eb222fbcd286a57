"""The joint loss of a step's micro-batches, as ``JointTrainer`` takes it of the whole step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch

from training.adapter.fast.decoder import Decoder
from training.adapter.fast.examples import Example
from training.adapter.fast.micro_batch import MicroBatch
from training.adapter.soft.correction import correction
from training.adapter.unit_head import UnitHead
from training.adapter.vocabulary import summed_nll


@dataclass(frozen=True, slots=True)
class StepLoss:
    """The loss of a step: a mean over its learned tokens, and one over its tickets.

    A sample's weight multiplies its share of both; by what is divided does not change with it.

    Parameters:
        head: over the units, with the weights of both losses; None learns names alone.
        tokens: that are learned in the step.
        tickets: of the step.
    """

    head: UnitHead | None
    tokens: int
    tickets: int

    @classmethod
    def of(cls, examples: Sequence[Example], head: UnitHead | None) -> Self:
        """Return the loss of a step of these samples."""
        return cls(head, max(1, sum(len(one.learned) for one in examples)), len(examples))

    def part(self, decoder: Decoder, micro_batch: MicroBatch, hidden: torch.Tensor) -> torch.Tensor:
        """Return a micro-batch's part of the loss; the parts sum up to it.

        Args:
            decoder: whose last norm and vocabulary are used.
            micro_batch: says where what is learned.
            hidden: (t, hidden) of all its tokens, before the last norm.
        """
        total = hidden.new_zeros((), dtype=torch.float32)
        names, answers, soft = micro_batch.names, micro_batch.answers, micro_batch.soft
        weight = 1.0 if self.head is None else self.head.losses.names
        if weight and len(names.places):
            states = decoder.normed(hidden[names.places])
            summed = summed_nll(states, decoder.lm_head, names.wanted, names.weights)
            total = total + weight / self.tokens * summed
        if weight and len(soft.places):
            states = decoder.normed(hidden[soft.places])
            summed = correction(states, decoder.lm_head, soft.wanted, soft.weights)
            total = total + weight / self.tokens * summed
        if self.head is not None and len(answers.places):
            states = decoder.normed(hidden[answers.places])
            share = self.head.loss(states, answers.wanted, answers.weights) / self.tickets
            total = total + self.head.losses.head * share
        return total
