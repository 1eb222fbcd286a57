"""Bases of all shapes: added, trained, answered, and equal to plain transformers."""

from pathlib import Path

import pytest
from peft import PeftModel

from classifier.engine.engine import Engine
from classifier.labels.trie import LabelTrie
from classifier.llm import LlmClassifier
from classifier.model.bases.entries import BASES, add_base
from classifier.model.lora import LoraLinear
from tests.support.adapters import plain_model
from tests.support.llm import RECIPE, THEMES, prompt_units, themed_samples
from tests.support.models import random_base, without_marks
from tests.support.runners import use_compiled
from tests.support.scores import Scores, brute_force, largest_gap
from tests.support.told import Told
from training.adapter.recipe import Recipe
from training.adapter.version import train_llm
from training.samples import Sample

TEXTS = list(THEMES.values())


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("shape", ["qwen3", "tied", "smol", "odd"])
def test_a_base_without_marks_is_added_trained_and_answers_as_transformers_would(
    shape: str, tmp_path: Path
) -> None:
    # Given a base that knows no <think>, and samples of which some have a thought
    source = without_marks(random_base(tmp_path / shape, shape))
    base = add_base(str(source.path), tmp_path / BASES)
    samples = [Sample("想一想", "A", "因为路灯"), *themed_samples(6)]
    (tmp_path / "recipe.toml").write_text(RECIPE + "max_steps = 2\n")
    told = Told()

    # When a version is trained on it and opened
    version = train_llm(
        samples,
        prompt_units(),
        base,
        models_dir=tmp_path,
        progress=told,
        recipe=Recipe.read(tmp_path / "recipe.toml"),
    )
    classifier = LlmClassifier.load(version.path, think_tokens=64)

    # Then its prompt has no thought, training said so once, and either runner scores what
    # transformers and peft do
    assert sum("1 thoughts (Complex_CoT) are left out" in line for line in told.lines) == 1
    assert not classifier.engine.prompt.template.has_thought
    assert classifier.think_tokens == 0
    expected = plain_scores(classifier.engine, version.path)
    assert largest_gap(classifier.engine.scores(TEXTS), expected) < 1e-4
    use_compiled(classifier.engine.backbone)
    assert largest_gap(classifier.engine.scores(TEXTS), expected) < 1e-4


def plain_scores(engine: Engine, version: Path) -> list[Scores]:
    """Scores of plain transformers on the dequantised weights, with the adapter by peft."""
    model = plain_model(engine.backbone.base)
    kept = {n: m for n, m in engine.backbone.model.named_modules() if isinstance(m, LoraLinear)}
    for name, module in model.named_modules():
        if name in kept:
            module.weight.data = kept[name].full_weight()
    adapted = PeftModel.from_pretrained(model, str(version)).eval()
    trie = LabelTrie(engine.prompt.labels, engine.backbone.end)
    return [brute_force(adapted, engine, trie, text) for text in TEXTS]
