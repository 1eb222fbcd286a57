"""TRL's trainer with a head over the units beside the names, learned in one run."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers.trainer import TRAINING_ARGS_NAME
from transformers.trainer_pt_utils import LengthGroupedSampler
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from trl import SFTTrainer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from training.adapter.checkpoints import seal
from training.adapter.sampling import EpochOrder
from training.adapter.soft.correction import correction
from training.adapter.tokens import (
    ANSWER_AT,
    BESIDE,
    IGNORED,
    ROW,
    SOFT_PLACES,
    SOFT_WEIGHTS,
    UNITS,
    WEIGHT,
)
from training.adapter.unit_head import UnitHead
from training.adapter.vocabulary import summed_nll

_MODULE = "unit_head"
"""The head's name in the model that is trained; peft writes it to no adapter."""


class JointTrainer(SFTTrainer):
    """SFTTrainer that adds a head's loss to its own, and learns the head with it; both may be soft.

    The head is a part of the model from ``attach`` on: its gradients are zeroed and clipped with
    the adapter's. TRL's loss is a mean over tokens; the head's is a mean over the tickets of the
    whole step, however many forwards that is divided into. A sample's weight multiplies its share
    of both; by what is divided does not change with it.
    """

    unit_head: UnitHead | None = None
    validated: Sequence[dict[str, Any]] = ()
    """Samples that are not learned, and whose loss is measured now and then."""
    _tickets = 0
    _reads: torch.Tensor | None = None
    _hidden: torch.Tensor | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # On the decoder: unsloth goes around the last norm's forward, and TRL's fused loss around
        # the outputs of the whole model.
        self.model.get_base_model().model.register_forward_hook(self._keep_hidden)

    def attach(self, head: UnitHead) -> None:
        """Learn a head, too: after TRL has cast the adapter, before the optimizer is made."""
        self.unit_head = head
        self.model.add_module(_MODULE, head)

    def _keep_hidden(self, decoder: torch.nn.Module, inputs: Any, output: Any) -> None:
        """Keep the final hidden states that are read; their graph reaches the adapter."""
        del decoder, inputs
        if self._reads is not None:
            tickets, places = self._reads.to(output[0].device)
            self._hidden = output[0][tickets, places]

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Return the weighted sum of both losses, as a part of the whole step's."""
        del return_outputs  # of the model, which evaluation within a run would ask for
        beside = {name: inputs[name] for name in BESIDE if name in inputs}
        read = {name: value for name, value in inputs.items() if name not in beside}
        if not beside:
            return self.names_loss(model, read, num_items_in_batch)
        unlike = self._unlike(inputs)
        reads = _reads(beside, unlike)
        self._reads = torch.cat(reads, dim=1)
        names = self.names_loss(model, read, num_items_in_batch)
        hidden, self._reads, self._hidden = self._hidden, None, None
        if hidden is None:
            raise RuntimeError("the model's forward went around its decoder's hooks")
        answers, soft, weighted = torch.split(hidden, [one.shape[1] for one in reads])
        tokens = num_items_in_batch or (inputs["labels"][:, 1:] != IGNORED).sum()
        beyond = self._softened(soft, beside) + self._weighted(weighted, unlike, inputs)
        names = names + beyond / torch.as_tensor(tokens).clamp(min=1)
        if self.unit_head is None:
            return names
        losses, targets = self.unit_head.losses, beside.get(UNITS, beside[ROW])
        summed = self.unit_head.loss(answers, targets, beside.get(WEIGHT)).to(names.device)
        share = summed / self._tickets * self._divided_again(num_items_in_batch)
        return losses.names * names + losses.head * share

    def _unlike(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return (2, m) tickets and places of the learned tokens that do not count 1."""
        learned = inputs["labels"] != IGNORED
        learned[:, 0] = False
        if WEIGHT not in inputs or (self.unit_head is not None and not self.unit_head.losses.names):
            return learned.new_empty((2, 0), dtype=torch.long)
        return (learned & (inputs[WEIGHT] != 1)[:, None]).nonzero().t()

    def _softened(self, hidden: torch.Tensor, beside: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return what soft names add to the summed loss of a batch's tokens."""
        if not len(hidden):
            return hidden.new_zeros((), dtype=torch.float32)
        tokens = beside[SOFT_PLACES][:, 2]
        return correction(hidden, self._vocabulary, tokens, beside[SOFT_WEIGHTS])

    def _weighted(
        self, hidden: torch.Tensor, unlike: torch.Tensor, inputs: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        """Return what weights add to it: the tokens that do not count 1 have been counted once."""
        if not len(hidden):
            return hidden.new_zeros((), dtype=torch.float32)
        tickets, places = unlike
        beyond, tokens = inputs[WEIGHT][tickets] - 1, inputs["labels"][tickets, places]
        with torch.autocast(hidden.device.type, enabled=False):
            states = hidden.to(self._vocabulary.dtype)
            return summed_nll(states, self._vocabulary, tokens, beyond)

    @property
    def _vocabulary(self) -> torch.Tensor:
        """(vocabulary, hidden), the language model's own head."""
        found: torch.Tensor = self.model.get_base_model().lm_head.weight
        return found

    def _get_train_sampler(self, *args: Any, **kwargs: Any) -> Any:
        """Return the library's sampler; its order is an epoch's own."""
        sampler = super()._get_train_sampler(*args, **kwargs)
        if not isinstance(sampler, LengthGroupedSampler):
            return sampler
        return EpochOrder(sampler, self.args.seed, lambda: int(self.state.epoch or 0))

    def validation_loss(self) -> float | None:
        """Return the mean loss of the ``validated`` samples, None where there are none."""
        if not self.validated:
            return None
        size, losses = self.args.per_device_train_batch_size, []
        before = self._tickets
        with torch.no_grad(), _without_dropout(self.model), self.compute_loss_context_manager():
            for start in range(0, len(self.validated), size):
                some = list(self.validated[start : start + size])
                batch = self._prepare_inputs(self.data_collator(some))
                items = (batch["labels"][:, 1:] != IGNORED).sum()
                self._tickets = len(some)
                loss = self.compute_loss(self.model, batch, num_items_in_batch=items)
                losses.append(float(loss) * len(some))
        self._tickets = before
        return sum(losses) / len(self.validated)

    def names_loss(
        self, model: Any, inputs: dict[str, Any], num_items_in_batch: torch.Tensor | int | None
    ) -> torch.Tensor:
        """Return TRL's own loss."""
        loss: torch.Tensor = super().compute_loss(
            model, inputs, num_items_in_batch=num_items_in_batch
        )
        return loss

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> Any:
        """Return the batches of a step and their tokens; count their tickets."""
        batches, items = super().get_batch_samples(*args, **kwargs)
        self._tickets = sum(len(batch["input_ids"]) for batch in batches)
        return batches, items

    def _divided_again(self, num_items_in_batch: torch.Tensor | int | None) -> int:
        """Return by what ``Trainer.training_step`` divides a loss: 1 where tokens are counted."""
        counted = num_items_in_batch is not None and self.model_accepts_loss_kwargs
        return 1 if counted or self.compute_loss_func else self.current_gradient_accumulation_steps

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """Write none: a checkpoint is no model to show."""

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Write adapter, head, optimizer, schedule, generators and state, and seal them."""
        super()._save_checkpoint(model, trial)
        folder = Path(self._get_output_dir(trial=trial))
        checkpoint = folder / f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"
        # Nobody reads the arguments again: the recipe has them. They are a pickle.
        (checkpoint / TRAINING_ARGS_NAME).unlink(missing_ok=True)
        if self.unit_head is not None:
            self.unit_head.learned().save(checkpoint)
        seal(checkpoint)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Take adapter and head from a checkpoint; what else it has is taken later."""
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        if self.unit_head is not None:
            self.unit_head.take(Path(resume_from_checkpoint))

    def take(self, checkpoint: Path) -> None:
        """Take what was learned from a checkpoint, to train no more."""
        self._load_from_checkpoint(str(checkpoint))

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Return the optimizer; the head has a group of its own, with its own learning rate."""
        is_new = self.optimizer is None
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        if is_new and self.unit_head is not None:
            _give_own_group(optimizer, self.unit_head, self.args.weight_decay)
        return optimizer


@contextmanager
def _without_dropout(model: torch.nn.Module) -> Iterator[None]:
    """Drop nothing out for a block.

    Not by ``model.eval()``: on a CPU it has bitsandbytes pack the base's weights for good, in a way
    that no training reads.
    """
    dropouts = [one for one in model.modules() if isinstance(one, torch.nn.Dropout)]
    for one in (model, *dropouts):
        one.training = False
    yield
    for one in (model, *dropouts):
        one.training = True


def _give_own_group(optimizer: torch.optim.Optimizer, head: UnitHead, decay: float) -> None:
    """Move a head's weights to a group with the head's learning rate."""
    own = list(head.parameters())
    for group in optimizer.param_groups:
        group["params"] = [one for one in group["params"] if all(one is not w for w in own)]
    rate = head.losses.head_learning_rate
    optimizer.add_param_group({"params": own, "lr": rate, "weight_decay": decay})
    if type(optimizer).__module__.startswith("bitsandbytes"):
        from bitsandbytes.optim import GlobalOptimManager

        # Its 8-bit states are for weights that are many; a row of the head is a unit's alone.
        GlobalOptimManager.get_instance().register_module_override(
            head, "weight", {"optim_bits": 32}
        )


def _reads(beside: dict[str, torch.Tensor], unlike: torch.Tensor) -> list[torch.Tensor]:
    """Return (2, m) tickets and places whose states are read: the head's, soft names', weighted."""
    answers = soft = unlike[:, :0]
    if ANSWER_AT in beside:
        places = beside[ANSWER_AT]
        answers = torch.stack([torch.arange(len(places), device=places.device), places])
    if SOFT_PLACES in beside:
        soft = beside[SOFT_PLACES][:, :2].t()
    return [answers, soft, unlike - torch.tensor([[0], [1]], device=unlike.device)]


class TicketCollator:
    """TRL's collator, which pads on the right, with the head's columns beside the tokens."""

    def __init__(self, pad_token_id: int, pad_to_multiple_of: int | None = None) -> None:
        self._tokens = DataCollatorForLanguageModeling(
            pad_token_id=pad_token_id, pad_to_multiple_of=pad_to_multiple_of
        )

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """Return a batch of n tickets: (n, length) tokens, and (n, …) of each other column.

        Places and tokens of soft names become (m, 3) with their tickets' numbers before them.
        """
        batch: dict[str, Any] = self._tokens(examples)
        for name in (ANSWER_AT, ROW, UNITS):
            if name in examples[0]:
                batch[name] = torch.tensor([example[name] for example in examples])
        if WEIGHT in examples[0]:
            weights = [example[WEIGHT] for example in examples]
            batch[WEIGHT] = torch.tensor(weights, dtype=torch.float32)
        if SOFT_PLACES in examples[0]:
            soft = [[n, *one] for n, each in enumerate(examples) for one in each[SOFT_PLACES]]
            weights = [weight for each in examples for weight in each[SOFT_WEIGHTS]]
            batch[SOFT_PLACES] = torch.tensor(soft, dtype=torch.long).view(-1, 3)
            batch[SOFT_WEIGHTS] = torch.tensor(weights, dtype=torch.float32)
        return batch
