"""The joint trainer where there is no GPU."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

from typing import Any

import torch
from torch.nn.functional import cross_entropy

from training.adapter.cpu_layers import LastLayer, join_adapters
from training.adapter.joint_trainer import JointTrainer
from training.adapter.tokens import IGNORED


class CpuTrainer(JointTrainer):
    """JointTrainer with TRL's loss in plain torch, and with less to compute for it."""

    _last: LastLayer | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        join_adapters(self.model)
        self._last = LastLayer(self.model.get_base_model().model.layers)

    def names_loss(
        self, model: Any, inputs: dict[str, Any], num_items_in_batch: torch.Tensor | int | None
    ) -> torch.Tensor:
        """Return the mean negative log-likelihood of the tokens that are learned.

        The language model's head is computed for these alone. Where only the answer is learned,
        they are few; where no name is, there are none and the loss is 0.
        """
        inner = model.get_base_model()
        read = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        targets = inputs["labels"][:, 1:]
        learned = targets != IGNORED
        if self._last is not None:
            self._last.read(self._places(learned))
        hidden = inner.model(**read, use_cache=False).last_hidden_state[:, :-1]
        logits = inner.lm_head(hidden[learned]).float()
        summed = cross_entropy(logits, targets[learned], reduction="sum")
        tokens = learned.sum() if num_items_in_batch is None else num_items_in_batch
        return summed / torch.as_tensor(tokens).clamp(min=1)

    def _places(self, learned: torch.Tensor) -> torch.Tensor:
        """Return (n, length) whether a state is read: to predict a token, or by what is beside."""
        places = torch.nn.functional.pad(learned, (0, 1))
        if self._reads is not None:
            tickets, beside = self._reads
            places[tickets, beside] = True
        return places
