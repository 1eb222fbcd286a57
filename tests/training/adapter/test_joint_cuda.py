"""Joint training on a real GPU, through unsloth where it is installed: ``make test-gpu``."""

from pathlib import Path

import pytest
import torch

from classifier.loading import load_classifier
from tests.support.joint import Gradients, gradients, still_recipe
from tests.support.llm import THEMES, recipe_with_head, train_test_llm
from tests.support.told import Told
from training.adapter import unsloth_first

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here: make test-gpu"),
    # torch's and triton's remarks on a build are not ours
    pytest.mark.filterwarnings("ignore"),
]
CUDA = torch.device("cuda")
HEAD = "unit_head.weight"
# bfloat16 keeps three digits. Random bases are sharp, so their gradients lose the second as well:
# on an H100, a query's adapter differs by 0.056 where layers are recomputed.
ALLOWED = 0.1


def far(found: Gradients, expected: Gradients) -> dict[str, float]:
    """The weights whose gradients differ by more than is allowed, as a share of their length.

    What is not finite is far, too.
    """
    assert found.keys() == expected.keys()
    apart = {
        name: float((found[name] - one).norm() / one.norm().clamp(min=1e-12))
        for name, one in expected.items()
    }
    return {name: share for name, share in apart.items() if not share < ALLOWED}


@pytest.mark.parametrize("completion_only", [True, False])
def test_two_times_eight_gives_the_gradients_of_sixteen(
    tmp_path: Path, completion_only: bool
) -> None:
    def steps(batch: int) -> list[Gradients]:
        recipe = still_recipe(batch)
        recipe.training["completion_only_loss"] = completion_only
        return gradients(recipe, tmp_path, CUDA)

    whole, divided = steps(16), steps(2)

    assert len(whole) == len(divided) == 2
    for one, other in zip(whole, divided, strict=True):
        assert one[HEAD].norm() > 0
        assert far(other, one) == {}


def test_the_heads_loss_reaches_the_adapter_through_recomputed_layers(tmp_path: Path) -> None:
    plain, recomputed = (
        gradients(still_recipe(checkpointing=on, names=0), tmp_path, CUDA)
        for on in (False, "unsloth")
    )

    for one, other in zip(plain, recomputed, strict=True):
        assert [name for name in one if "lora_A" in name and not one[name].norm() > 0] == []
        assert far(other, one) == {}


@pytest.mark.parametrize("optim", ["adamw_torch", "adamw_8bit"])
def test_a_head_is_learned_and_the_version_answers_by_it(tmp_path: Path, optim: str) -> None:
    recipe = recipe_with_head()
    recipe.training["optim"] = optim
    told = Told()

    version = train_test_llm(tmp_path, told, recipe)

    metrics = version.manifest.metrics
    assert metrics["answer"] == "head"
    assert metrics["accuracy"] == 1
    assert version.manifest.training.settings["through"] == (
        "unsloth" if unsloth_first.AVAILABLE else "peft"
    )
    decisions = load_classifier(version.path).classify(
        list(THEMES.values()), [frozenset("ABC")] * 3
    )
    assert [decision.unit for decision in decisions] == ["A", "B", "C"]
