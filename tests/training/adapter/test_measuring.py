"""A run's curves: a point for each loss that is logged, with what was measured then."""

from pathlib import Path

import pytest

from tests.support.llm import prompt_units, recipe_with_head, themed_samples
from tests.support.models import STANDIN
from tests.support.told import Told
from training.adapter.checkpoints import Checkpoints
from training.adapter.preparation import prepare
from training.adapter.trainer import fine_tune


@pytest.mark.parametrize("batch", [16, 4])
def test_points_have_all_that_a_curve_shows(tmp_path: Path, batch: int) -> None:
    # Given a run that logs each second step
    recipe = recipe_with_head()
    changed = {
        "max_steps": 6,
        "logging_steps": 2,
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": 16 // batch,
    }
    recipe = recipe.model_copy(update={"training": recipe.training | changed})
    told = Told()
    prepared = prepare(themed_samples(), prompt_units(), STANDIN, recipe, told)
    assert 0 < len(prepared.validated) < 32
    for folder in ("adapter", "checkpoints"):
        (tmp_path / folder).mkdir()

    fine_tune(prepared, tmp_path / "adapter", told, Checkpoints(tmp_path / "checkpoints", 1e9))

    first, second, third = told.points
    assert [point.step for point in told.points] == [2, 4, 6]
    assert first.seconds < second.seconds < third.seconds
    assert first.loss is not None
    assert third.loss is not None
    assert third.loss < first.loss
    assert None not in [(point.learning_rate, point.grad_norm) for point in told.points]
    assert all(point.tickets_per_s for point in told.points)
    # What is held out is not learned, and its loss falls with the others'
    assert first.validation is not None
    assert third.validation is not None
    assert third.validation < first.validation
    assert third.validation == pytest.approx(third.loss, rel=0.5)


def test_a_training_that_nobody_watches_measures_no_validation(tmp_path: Path) -> None:
    recipe = recipe_with_head()
    changed = {"max_steps": 2, "logging_steps": 1}
    recipe = recipe.model_copy(update={"training": recipe.training | changed})
    told = Told()
    prepared = prepare(themed_samples(8), prompt_units(), STANDIN, recipe, told)

    fine_tune(prepared, tmp_path, told)

    assert [point.validation for point in told.points] == [None, None]
