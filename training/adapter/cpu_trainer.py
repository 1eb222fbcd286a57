"""TRL's trainer where there is no GPU."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

from typing import Any

import torch
from torch.nn.functional import cross_entropy
from trl import SFTTrainer

from training.adapter.tokens import IGNORED


class CpuTrainer(SFTTrainer):
    """SFTTrainer with the same loss in plain torch."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Return the mean negative log-likelihood of the tokens that are learned.

        The head is computed for these alone. Where only the answer is learned, they are few.
        """
        del return_outputs  # of the model, which evaluation within a run would ask for
        inner = model.get_base_model()
        read = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        hidden = inner.model(**read, use_cache=False).last_hidden_state[:, :-1]
        targets = inputs["labels"][:, 1:]
        learned = targets != IGNORED
        logits = inner.lm_head(hidden[learned]).float()
        summed = cross_entropy(logits, targets[learned], reduction="sum")
        return summed / (learned.sum() if num_items_in_batch is None else num_items_in_batch)
