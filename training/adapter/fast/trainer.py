"""The joint trainer on the fast path: the recipe's loss, optimizer and schedule."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import torch

from classifier.model.runner_choice import why_not_compiled
from core.errors import DeviceError
from training.adapter.fast.decoder import Decoder
from training.adapter.fast.division import Part, divide
from training.adapter.fast.dropout import NO_DROPOUT, Dropout
from training.adapter.fast.examples import Example, examples_of, shared_prefix
from training.adapter.fast.losses import StepLoss
from training.adapter.fast.memory import Costs, free_bytes
from training.adapter.fast.micro_batch import MicroBatch
from training.adapter.joint_trainer import JointTrainer

_SEEDS = 1 << 48
_BYTES, _BYTES_8BIT = 12, 6
"""Of a float32 weight that is trained: its gradient, and what Adam keeps of it."""


class FastTrainer(JointTrainer):
    """JointTrainer whose steps read the instruction once for each micro-batch.

    A batch is a whole step; it is divided here, as the memory asks. All else is the recipe's.
    """

    memory_limit: float | None = None
    """GiB that the process may take on the GPU; None for what is free."""

    def training_step(
        self,
        model: Any,
        inputs: dict[str, Any],
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Add a step's gradients to the weights', and return its loss."""
        del num_items_in_batch  # a batch is a whole step: its tokens are counted here
        model.train()
        if callable(train := getattr(self.optimizer, "train", None)):
            train()  # optimizers without a schedule
        total = torch.zeros((), device=self.decoder.device)
        for loss in self._parts(inputs):
            self.accelerator.backward(loss)
            total += loss.detach()
        return total

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Return a batch's loss, as a step's."""
        del model, num_items_in_batch
        loss = sum(self._parts(inputs), torch.zeros((), device=self.decoder.device))
        return (loss, {}) if return_outputs else loss

    def _parts(self, inputs: dict[str, Any]) -> Iterator[torch.Tensor]:
        """Yield each micro-batch's part of the loss."""
        examples = examples_of(inputs)
        shared = shared_prefix(examples)
        loss = StepLoss.of(examples, self.unit_head)
        own = [len(example.ids) - shared for example in examples]
        for part in self.divided(own, shared):
            some = [examples[number] for number in part.members]
            yield self._loss(loss, some, shared, part.recomputed)

    def divided(self, own: list[int], shared: int) -> list[Part]:
        """Return the micro-batches of samples with so many tokens behind those they share."""
        return divide(own, shared, self._costs, self._room)

    def _loss(
        self, loss: StepLoss, examples: list[Example], shared: int, recomputed: int
    ) -> torch.Tensor:
        micro_batch = MicroBatch.of(examples, shared, self.decoder.device)
        hidden = self.decoder.hidden(micro_batch, recomputed, self._dropout())
        return loss.part(self.decoder, micro_batch, hidden)

    def _dropout(self) -> Dropout:
        """Return a micro-batch's, by a seed of torch's own, which a checkpoint of the run keeps."""
        share: float = self.model.peft_config["default"].lora_dropout
        if not share or not self.model.training:
            return NO_DROPOUT
        return Dropout(share, int(torch.randint(_SEEDS, ())))

    @cached_property
    def decoder(self) -> Decoder:
        """What reads the micro-batches."""
        model = self.model.get_base_model()
        if model.device.type == "cuda" and (why := why_not_compiled(model)):
            raise DeviceError(
                f'the fast path needs compiled attention, but {why}: set [compute] path = "recipe"'
            )
        return Decoder(model)

    @cached_property
    def _costs(self) -> Costs:
        rank: int = self.model.peft_config["default"].r
        return Costs.of(self.model.config, rank, self.decoder.dtype.itemsize)

    @cached_property
    def _room(self) -> float:
        trained = sum(one.numel() for one in self.model.parameters() if one.requires_grad)
        coming = trained * (_BYTES_8BIT if "8bit" in self.args.optim else _BYTES)
        return free_bytes(self.decoder.device, coming, self.memory_limit)
