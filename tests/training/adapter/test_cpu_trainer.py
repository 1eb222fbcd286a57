"""The loss without a GPU: of the tokens that are learned, and of no others."""

from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import Qwen2Config, Qwen2ForCausalLM

from training.adapter.cpu_trainer import CpuTrainer
from training.adapter.tokens import IGNORED


class Adapted:
    """A model as peft wraps it."""

    def __init__(self) -> None:
        torch.manual_seed(1)
        self.model = Qwen2ForCausalLM(
            Qwen2Config(
                vocab_size=20,
                hidden_size=8,
                intermediate_size=8,
                num_hidden_layers=1,
                num_attention_heads=2,
                num_key_value_heads=1,
            )
        )

    def get_base_model(self) -> Any:
        return self.model


def test_the_loss_is_that_of_the_whole_head_over_the_learned_tokens() -> None:
    adapted = Adapted()
    ids = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 0]])
    labels = torch.tensor([[IGNORED, IGNORED, 3, 4], [IGNORED, 6, 7, IGNORED]])
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}
    trainer = CpuTrainer.__new__(CpuTrainer)

    mean = trainer.compute_loss(adapted, inputs)
    shared = trainer.compute_loss(adapted, inputs, num_items_in_batch=8)

    logits = adapted.model(ids).logits[:, :-1].reshape(-1, 20)
    expected = cross_entropy(logits, labels[:, 1:].reshape(-1), ignore_index=IGNORED)
    assert torch.isclose(mean, expected)
    assert torch.isclose(shared, expected * 4 / 8)


def test_where_no_name_is_learned_the_loss_is_none_and_not_nothing_over_nothing() -> None:
    adapted = Adapted()
    ids = torch.tensor([[1, 2, 3, 4]])
    labels = torch.full_like(ids, IGNORED)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}
    trainer = CpuTrainer.__new__(CpuTrainer)

    for counted in (None, torch.tensor(0)):
        assert trainer.compute_loss(adapted, inputs, num_items_in_batch=counted).item() == 0
