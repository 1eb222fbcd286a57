"""Layers as a CPU trains them give what peft's and transformers' give, and the same gradients."""

from typing import Any

import pytest
import torch
from peft import get_peft_model_state_dict, set_peft_model_state_dict

from tests.support.joint import with_adapter
from tests.support.models import STANDIN
from training.adapter import cpu_layers
from training.adapter.cpu_layers import LastLayer, join_adapters
from training.adapter.loading import load_with_adapter
from training.adapter.preparation import recipe_for

IDS = torch.arange(5, 45).view(2, 20)
READ = torch.zeros(2, 20, dtype=torch.bool)
READ[0, [3, 18, 19]] = READ[1, [7, 8]] = True


def adapted(**lora: Any) -> Any:
    """The stand-in with an adapter that has learned something: of a fresh one B is 0."""
    recipe = recipe_for(STANDIN)
    changed = recipe.model_copy(update={"lora": recipe.lora.model_copy(update=lora)})
    return with_adapter(load_with_adapter(STANDIN, changed, torch.device("cpu")))


def states(model: Any) -> torch.Tensor:
    """The final states that are read, (5, hidden)."""
    found: torch.Tensor = model.get_base_model().model(IDS, use_cache=False).last_hidden_state
    return found[READ]


def learned(model: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """What is read, and the adapter's gradients of some loss of it."""
    model.zero_grad()
    read = states(model)
    (read * torch.linspace(-1, 1, read.numel()).view_as(read)).sum().backward()
    weights = model.named_parameters()
    gradients = {name: one.grad.clone() for name, one in weights if one.grad is not None}
    assert len(gradients) == 2 * 7 * len(model.get_base_model().model.layers)
    return read.detach(), gradients


def assert_alike(found: Any, expected: Any) -> None:
    assert torch.allclose(found[0], expected[0], rtol=1e-4, atol=1e-4)
    for name, gradient in expected[1].items():
        scale = gradient.abs().max().item()
        assert torch.allclose(found[1][name], gradient, rtol=1e-3, atol=1e-4 * scale), name


@pytest.mark.parametrize("most", [cpu_layers.DENSE_BYTES, 0], ids=["dense", "in 4 bits"])
def test_a_layer_joined_with_its_adapter_learns_as_pefts_does(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(cpu_layers, "DENSE_BYTES", most)
    model = adapted(lora_alpha=32)
    expected = learned(model)

    join_adapters(model)

    assert_alike(learned(model), expected)


def test_a_joined_layer_reads_the_adapter_that_a_checkpoint_brings() -> None:
    model = adapted()
    join_adapters(model)
    before = states(model)
    weights = get_peft_model_state_dict(model)

    doubled = {name: one * 2 if "lora_B" in name else one for name, one in weights.items()}
    set_peft_model_state_dict(model, doubled)

    assert not torch.allclose(states(model), before)


def test_an_adapter_with_dropout_stays_as_peft_computes_it() -> None:
    model = adapted(lora_dropout=0.5)

    join_adapters(model)

    torch.manual_seed(1)
    dropped = states(model)
    torch.manual_seed(2)
    assert not torch.allclose(states(model), dropped)


def test_the_last_layer_gives_what_is_read_and_its_gradients_and_no_more() -> None:
    model = adapted()
    expected = learned(model)
    layers = model.get_base_model().model.layers
    computed = []
    layers[-1].mlp.down_proj.register_forward_hook(lambda *given: computed.append(len(given[1][0])))

    LastLayer(layers).read(READ)

    assert_alike(learned(model), expected)
    assert computed == [int(READ.sum())]


def test_where_most_places_are_read_the_last_layer_is_computed_as_it_is() -> None:
    model = adapted()
    last = LastLayer(model.get_base_model().model.layers)
    whole = model.get_base_model().model(IDS, use_cache=False).last_hidden_state

    last.read(READ)
    last.read(~READ)

    found = model.get_base_model().model(IDS, use_cache=False).last_hidden_state
    assert torch.equal(found, whole)
