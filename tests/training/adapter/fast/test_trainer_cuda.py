"""The fast path on a real GPU, beside the recipe's way there: ``make test-gpu``."""

from pathlib import Path
from typing import Literal

import pytest
import torch

from bench.training_rows import Row
from tests.support.joint import (
    gradients,
    prepared_of,
    still_recipe,
    trainer_of,
    with_adapter,
)
from tests.support.llm import recipe_with_head, train_test_llm
from tests.support.models import random_base
from tests.support.packed import (
    PREFIX,
    distance,
    gradients_of,
    make_examples,
    plain_loss,
    unit_head,
)
from tests.support.told import Told
from training.adapter.fast.decoder import Decoder
from training.adapter.fast.losses import StepLoss
from training.adapter.fast.micro_batch import MicroBatch
from training.adapter.fast.trainer import FastTrainer
from training.adapter.recipe import Compute, Recipe

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here: make test-gpu"),
    # torch's and triton's remarks on a build are not ours
    pytest.mark.filterwarnings("ignore"),
]
CUDA = torch.device("cuda")
# bfloat16 keeps three digits; two ways round differently in each layer.
ALLOWED = 0.1


def on(path: Literal["recipe", "fast"], recipe: Recipe) -> Recipe:
    return recipe.model_copy(update={"compute": Compute(path=path)})


@pytest.mark.parametrize("completion_only", [True, False])
def test_a_steps_gradients_are_the_recipes(tmp_path: Path, completion_only: bool) -> None:
    recipe = still_recipe(2)
    recipe.training["completion_only_loss"] = completion_only

    recipes, fast = (gradients(on(path, recipe), tmp_path, CUDA) for path in ("recipe", "fast"))

    assert len(fast) == len(recipes) == 2
    for ours, theirs in zip(fast, recipes, strict=True):
        assert distance(ours, theirs) < ALLOWED


def test_weighted_samples_have_the_recipes_gradients(tmp_path: Path) -> None:
    weights, recipe = (1.0, 0.3, 2.0), still_recipe(2)

    recipes, fast = (
        gradients(on(path, recipe), tmp_path, CUDA, weights) for path in ("recipe", "fast")
    )

    unweighted = gradients(on("fast", recipe), tmp_path, CUDA)
    for ours, theirs, others in zip(fast, recipes, unweighted, strict=True):
        assert distance(ours, theirs) < ALLOWED < distance(ours, others)


@pytest.mark.parametrize("shape", ["qwen2", "llama", "qwen3", "odd"])
def test_packed_samples_have_the_gradients_of_each_alone(tmp_path: Path, shape: str) -> None:
    # Random bases are so sharp that bfloat16's rounding alone moves their gradients by a fifth
    half = Row(dtype=torch.float16)
    model = with_adapter(half.load(random_base(tmp_path, shape), still_recipe(), CUDA))
    head = unit_head(model.config.hidden_size).to(CUDA)
    examples = make_examples((5, 120, 3, 60, 300))
    plain_loss(model, examples, head).backward()
    expected = gradients_of(model, head)
    decoder, loss = Decoder(model.get_base_model()), StepLoss.of(examples, head)
    batch = MicroBatch.of(examples, PREFIX, CUDA)

    for recomputed in (0, 1):
        loss.part(decoder, batch, decoder.hidden(batch, recomputed)).backward()

        assert distance(gradients_of(model, head), expected) < ALLOWED


def test_steps_of_all_lengths_are_compiled_a_few_times_in_all(tmp_path: Path) -> None:
    trainer = trainer_of(prepared_of(on("fast", still_recipe())), tmp_path, CUDA)
    assert isinstance(trainer, FastTrainer)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()

    def graphs_after(own: tuple[int, ...]) -> int:
        batch = MicroBatch.of(make_examples(own), PREFIX, CUDA)
        trainer.decoder.hidden(batch).sum().backward()
        return int(torch._dynamo.utils.counters["stats"]["unique_graphs"])

    first = graphs_after((120, 300, 40))
    later = [graphs_after(own) for own in ((500,), (30,) * 40, (700, 700), (200, 100))]

    assert later[-1] <= first + 4
    assert later[-1] == later[1]


@pytest.mark.parametrize("optim", ["adamw_torch", "adamw_8bit"])
def test_a_version_is_learned_whose_memory_is_limited(tmp_path: Path, optim: str) -> None:
    recipe = recipe_with_head()
    recipe.training["optim"] = optim
    recipe = recipe.model_copy(update={"compute": Compute(path="fast", memory=6.0)})

    version = train_test_llm(tmp_path, Told(), recipe)

    assert version.manifest.metrics["accuracy"] == 1
    assert version.manifest.training.settings["through"] == "fast"
