"""Checkpoints: sealed when whole, skipped when half, and a resumed training is the unbroken one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from transformers import TrainerCallback

from core.errors import ModelVersionError
from tests.support.llm import prompt_units, recipe_with_head, themed_samples
from tests.support.models import STANDIN
from tests.support.told import Told
from training.adapter import trainer
from training.adapter.checkpoints import Checkpoints, is_whole, seal, step_of
from training.adapter.preparation import Preparation, prepare
from training.adapter.recipe import Compute
from training.adapter.trainer import Run, fine_tune
from training.adapter.unit_head import UnitHead

STEPS = 7
BROKEN_AT = 5


def some_checkpoint(folder: Path, step: int) -> Path:
    checkpoint = folder / f"checkpoint-{step}"
    (checkpoint / "deep").mkdir(parents=True)
    (checkpoint / "weights").write_bytes(b"123")
    (checkpoint / "deep" / "state").write_bytes(b"456")
    seal(checkpoint)
    return checkpoint


def test_the_newest_whole_checkpoint_is_found_and_half_ones_are_removed(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path, 0).newest() is None
    first, second, third, fourth = (some_checkpoint(tmp_path, step) for step in (5, 10, 15, 100))
    (fourth / "whole.json").unlink()  # killed before it was sealed
    (third / "weights").write_bytes(b"12")  # cut by a power failure

    assert Checkpoints(tmp_path, 0).newest() == second

    assert step_of(second) == 10
    assert sorted(tmp_path.iterdir()) == sorted([first, second])


@pytest.mark.parametrize("change", ["changed", "missing", "added", "nested"])
def test_a_checkpoint_with_other_files_than_it_was_sealed_with_is_none(
    tmp_path: Path, change: str
) -> None:
    checkpoint = some_checkpoint(tmp_path, 5)
    assert is_whole(checkpoint)
    state = checkpoint / "deep" / "state"

    if change == "missing":
        state.unlink()
    elif change == "nested":
        (checkpoint / "whole.json").write_bytes(b"[" * 99_999)
    else:
        (state if change == "changed" else checkpoint / "more").write_bytes(b"457")

    assert not is_whole(checkpoint)


def test_a_head_of_other_units_is_refused(tmp_path: Path) -> None:
    losses = recipe_with_head().answer
    UnitHead(("A", "B"), 4, losses, 1).learned().save(tmp_path)
    taken = UnitHead(("A", "B"), 4, losses, 2)
    taken.take(tmp_path)
    assert taken.weight.equal(UnitHead(("A", "B"), 4, losses, 1).weight)

    for other in (("B", "A"), ("A", "B", "C")):
        with pytest.raises(ModelVersionError):
            UnitHead(other, 4, losses, 1).take(tmp_path)


class BrokenError(RuntimeError):
    pass


class Interruption(TrainerCallback):
    """Ends a training in the middle of a step, as a kill would."""

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        del args, control
        if state.global_step == BROKEN_AT:
            raise BrokenError


OPTIONS = {
    "by length": {"train_sampling_strategy": "group_by_length"},
    "in 8 bits": {"optim": "adamw_8bit", "gradient_accumulation_steps": 2},
}

FAST = "on the fast path"


@pytest.fixture
def prepared(request: pytest.FixtureRequest) -> Preparation:
    """Two passes over 52 tickets in steps of 16, with dropout: the break is in the second pass.

    By length and on the fast path, tickets have weights.
    """
    recipe = recipe_with_head()
    changed = {"num_train_epochs": 2, "max_steps": STEPS, "logging_steps": 1}
    changed |= OPTIONS.get(getattr(request, "param", ""), {})
    assert recipe.lora.lora_dropout > 0
    recipe = recipe.model_copy(update={"training": recipe.training | changed})
    if getattr(request, "param", "") == FAST:
        recipe = recipe.model_copy(update={"compute": Compute(path="fast")})
    samples = themed_samples()
    made = prepare(samples, prompt_units(), STANDIN, recipe, Told())
    known = samples[::2][:52]
    if getattr(request, "param", "") in ("by length", FAST):
        known = [replace(one, weight=0.3 + n % 3) for n, one in enumerate(known)]
    return replace(made, known=known)


def interrupt(
    prepared: Preparation, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = trainer.make_trainer

    def make(*args: Any) -> Any:
        made = really(*args)
        made.add_callback(Interruption())
        return made

    monkeypatch.setattr(trainer, "make_trainer", make)
    with pytest.raises(BrokenError):
        fine_tune(prepared, checkpoints.folder, Told(), checkpoints)
    monkeypatch.undo()


def weights(folder: Path) -> dict[str, Any]:
    adapter = load_file(folder / "adapter_model.safetensors")
    return adapter | load_file(folder / "head.safetensors")


def train(prepared: Preparation, folder: Path, checkpoints: Checkpoints | None) -> Run:
    folder.mkdir()
    return fine_tune(prepared, folder, Told(), checkpoints)


@pytest.mark.parametrize(
    ("prepared", "left"),
    [
        ("", "whole"),
        ("by length", "half written"),
        ("in 8 bits", "whole"),
        (FAST, "whole"),
    ],
    indirect=["prepared"],
)
def test_a_resumed_training_has_the_weights_of_an_unbroken_one(
    prepared: Preparation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    # Given a training without a break
    unbroken = train(prepared, tmp_path / "unbroken", None)

    # And one that is killed, with its last checkpoint half written
    steps: list[int] = []
    checkpoints = Checkpoints(tmp_path / "checkpoints", 0, steps.append)
    checkpoints.folder.mkdir()
    interrupt(prepared, checkpoints, monkeypatch)
    assert steps == [1, 2, 3, 4, 5]
    found = sorted(path.name for path in checkpoints.folder.glob("checkpoint-*"))
    assert found == ["checkpoint-4", "checkpoint-5"]
    assert not list(checkpoints.folder.rglob("training_args.bin"))
    if left == "half written":
        (checkpoints.folder / "checkpoint-5" / "optimizer.pt").write_bytes(b"half")

    # When it is trained again
    resumed = train(prepared, tmp_path / "resumed", checkpoints)

    # Then only the rest was trained, and the weights are the same
    assert steps[5:] == ([6, 7] if left == "whole" else [5, 6, 7])
    assert resumed.steps == unbroken.steps == STEPS
    assert resumed.loss == pytest.approx(unbroken.loss, abs=1e-4)
    mine, theirs = weights(tmp_path / "resumed"), weights(tmp_path / "unbroken")
    assert mine.keys() == theirs.keys()
    assert max((mine[name] - theirs[name]).abs().max().item() for name in mine) < 1e-5
    assert all(tensor.abs().max() > 0 for tensor in mine.values())


def test_a_training_that_was_killed_after_its_last_step_is_not_trained_again(
    prepared: Preparation, tmp_path: Path
) -> None:
    steps: list[int] = []
    checkpoints = Checkpoints(tmp_path / "checkpoints", 1e9, steps.append)
    checkpoints.folder.mkdir()
    first = train(prepared, tmp_path / "first", checkpoints)
    assert steps == [STEPS]

    told = Told()
    (tmp_path / "again").mkdir()
    again = fine_tune(prepared, tmp_path / "again", told, checkpoints)

    assert f"going on from step {STEPS}" in told.lines[-1]
    assert told.steps == []
    assert again.steps == first.steps
    mine, theirs = weights(tmp_path / "again"), weights(tmp_path / "first")
    assert all(mine[name].equal(theirs[name]) for name in theirs)
