"""A base is loaded in 4 bits, and its adapter alone is trained."""

import torch

from tests.support.models import STANDIN
from training.adapter.loading import load_with_adapter
from training.adapter.preparation import recipe_for
from training.adapter.recipe import Compute


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


def test_the_fast_path_begins_with_the_recipes_adapter() -> None:
    recipe = recipe_for(STANDIN)
    fast = recipe.model_copy(update={"compute": Compute(path="fast")})

    slow, quick = (load_with_adapter(STANDIN, one, torch.device("cpu")) for one in (recipe, fast))

    others = dict(quick.named_parameters())
    for name, weight in slow.named_parameters():
        assert torch.equal(weight, others[name]), name
        assert weight.requires_grad == others[name].requires_grad
