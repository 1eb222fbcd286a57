"""The joint trainer where there is no GPU."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

from typing import Any

import torch
from torch.nn.functional import cross_entropy

from training.adapter.joint_trainer import JointTrainer
from training.adapter.tokens import IGNORED


class CpuTrainer(JointTrainer):
    """JointTrainer with TRL's loss in plain torch."""

    def names_loss(
        self, model: Any, inputs: dict[str, Any], num_items_in_batch: torch.Tensor | int | None
    ) -> torch.Tensor:
        """Return the mean negative log-likelihood of the tokens that are learned.

        The language model's head is computed for these alone. Where only the answer is learned,
        they are few; where no name is, there are none and the loss is 0.
        """
        inner = model.get_base_model()
        read = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        hidden = inner.model(**read, use_cache=False).last_hidden_state[:, :-1]
        targets = inputs["labels"][:, 1:]
        learned = targets != IGNORED
        logits = inner.lm_head(hidden[learned]).float()
        summed = cross_entropy(logits, targets[learned], reduction="sum")
        tokens = learned.sum() if num_items_in_batch is None else num_items_in_batch
        return summed / torch.as_tensor(tokens).clamp(min=1)
