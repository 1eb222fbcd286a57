"""Whether a linear model is added to a head: what its scores are worth, and what they cost."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load

from classifier.engine.engine import Engine
from classifier.labels.head import HEAD, Head
from classifier.linear_model import WEIGHTS as LINEAR
from classifier.llm import LlmClassifier
from classifier.setup import SETUP, Answer, Setup
from registry.writer import TrainedVersion
from tests.support.held_out import answers_of
from tests.support.llm import changed_copy, prompt_units, recipe_with_head, themed_samples
from tests.support.models import STANDIN
from tests.support.told import Told
from training.adapter.assessment import Assessment, assess
from training.adapter.blending import Blending, choose_blending, measure_gain
from training.adapter.preparation import Preparation, prepare
from training.adapter.recipe import AnswerLosses
from training.adapter.version import write_files
from training.linear.version import fit_linear
from training.progress import SILENT

TEXTS = [sample.text for sample in themed_samples()]


def test_a_model_that_errs_elsewhere_is_worth_a_weight() -> None:
    head, other = answers_of(2.0, seed=1), answers_of(2.0, seed=2)

    gain = measure_gain(head, other.logits)

    assert gain is not None
    assert gain.weight == pytest.approx(1, abs=0.3)  # it is as good as the head
    assert gain.blended < gain.alone
    assert gain.low < gain.high < 0


@pytest.mark.parametrize("factor", [0.05, 20.0])
def test_the_scale_of_the_scores_is_fitted_away(factor: float) -> None:
    head, other = answers_of(2.0, seed=1), answers_of(2.0, seed=2)

    plain, scaled = (measure_gain(head, other.logits * f) for f in (1.0, factor))

    assert plain is not None
    assert scaled is not None
    assert scaled.weight * factor == pytest.approx(plain.weight, rel=0.05)
    assert scaled.blended == pytest.approx(plain.blended, rel=1e-3)


def test_noise_is_worth_nothing_beyond_chance() -> None:
    head = answers_of(2.0)
    noise = np.random.default_rng(0).normal(size=head.logits.shape)

    gain = measure_gain(head, noise)

    assert gain is not None
    assert gain.high >= 0


def test_too_few_groups_say_nothing() -> None:
    few = answers_of(2.0).take(np.arange(49))

    assert measure_gain(few, few.logits) is None


@pytest.fixture(scope="module")
def prepared() -> Preparation:
    """The head version's own, with more tickets held out than it had."""
    made = prepare(
        themed_samples(), prompt_units(), STANDIN, recipe_with_head(blend_cost=1), SILENT
    )
    held_out = [one for one in themed_samples(160) if one not in set(made.known)]
    return Preparation(made.base, made.recipe, made.setup, made.prompt, made.known, held_out)


@pytest.fixture
def unsure(head_version: TrainedVersion, prepared: Preparation, tmp_path: Path) -> Path:
    """An adapter whose head confuses units."""

    def confuse(directory: Path) -> None:
        weight = load((directory / HEAD).read_bytes())["weight"]
        torch.manual_seed(1)
        Head(prepared.taught, torch.randn_like(weight), torch.zeros(len(weight))).save(directory)

    return changed_copy(head_version, tmp_path, "unsure", confuse).path


def assessed(prepared: Preparation, directory: Path, told: Told) -> Assessment:
    return assess(prepared, directory, 0.2, 0.05, "head", told)


def test_an_unsure_head_gets_the_linear_model_beside_it_and_serves_with_it(
    prepared: Preparation, unsure: Path, tmp_path: Path
) -> None:
    told = Told()

    found = assessed(prepared, unsure, told)

    # Then the sum is what was calibrated and measured
    assert found.answer.linear_weight > 0
    assert any("they are added, at" in line for line in told.lines)
    blend, head = found.metrics["blend"], found.metrics["head"]
    assert isinstance(blend, dict)
    assert isinstance(head, dict)
    assert blend.keys() >= {"weight", "blended", "alone", "low", "high", "cost"}
    assert float(str(found.metrics["accuracy"])) > float(str(head["accuracy"]))

    # And a version of it answers by the sum
    version = tmp_path / "v"
    version.mkdir()
    setup = prepared.setup.model_copy(update={"answer": found.answer})
    write_files(version, unsure, setup, found.linear)
    assert (version / LINEAR).exists()
    assert Setup.model_validate_json((version / SETUP).read_text()).answer == found.answer


def test_a_sure_head_answers_alone(prepared: Preparation, head_version: TrainedVersion) -> None:
    found = assessed(prepared, head_version.path, Told())

    assert found.answer.linear_weight == 0


def chosen(head_version: TrainedVersion, **losses: Any) -> Blending:
    engine = LlmClassifier.load(head_version.path).engine
    assert isinstance(engine, Engine)
    head, other = answers_of(2.0, seed=1), answers_of(2.0, seed=2)
    linear = fit_linear(themed_samples())

    class Other:
        """Is right where the head errs, and takes the linear model's time."""

        def logits(self, texts: list[str]) -> np.ndarray:
            linear.logits(texts)
            return np.resize(other.logits, (len(texts), other.logits.shape[1]))

    texts = [TEXTS[n % len(TEXTS)] for n in range(len(head))]
    answer = Answer(by="head", taught=("A", "B", "C"))
    return choose_blending(head, texts, Other(), engine, answer, AnswerLosses(**losses))  # type: ignore[arg-type]


def test_what_costs_too_much_is_left_out(head_version: TrainedVersion) -> None:
    dear, cheap = (chosen(head_version, blend_cost=most) for most in (1e-9, 1.0))

    assert dear.weight == 0
    assert "more than 0.0% (answer.blend_cost)" in dear.why
    assert 0 < float(str(dear.facts["cost"])) < 1
    assert cheap.weight > 0


def test_a_recipe_may_leave_it_out_or_ask_for_it(head_version: TrainedVersion) -> None:
    never = chosen(head_version, blend="never")
    always = chosen(head_version, blend="always", blend_cost=0)

    assert never.why == "no linear model is added to the head (answer.blend)"
    assert always.weight > 0
    assert always.why.endswith(": as asked for (answer.blend)")
