"""A base is loaded in 4 bits, and its adapter alone is trained."""

import torch

from tests.support.models import STANDIN
from training.adapter.loading import load_with_adapter
from training.adapter.preparation import recipe_for


def test_the_adapter_alone_is_trained_and_begins_alike_each_time() -> None:
    recipe = recipe_for(STANDIN)

    first, again = (load_with_adapter(STANDIN, recipe, torch.device("cpu")) for _ in range(2))

    trained = {name: w for name, w in first.named_parameters() if w.requires_grad}
    assert trained
    assert all("lora_" in name for name in trained)
    others = dict(again.named_parameters())
    assert all(torch.equal(weight, others[name]) for name, weight in trained.items())
    kinds = {type(module).__name__ for module in first.modules()}
    assert "Linear4bit" in kinds
