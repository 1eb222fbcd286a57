"""Trains what a run was asked for."""

from classifier.labels.template import PromptUnit
from classifier.model.bases.entries import BASES, find_base, only_base
from core.errors import InputError
from core.faults import chain
from core.process import uncollected
from core.settings import Settings
from registry.lineage import Origin
from registry.writer import TrainedVersion
from training.progress import Progress
from training.runs.wish import Wish
from training.runs.workplace import Workplace
from training.snapshot.snapshot import Snapshot

LLM = "llm"


def train(
    kind: str,
    wish: Wish,
    snapshot: Snapshot,
    settings: Settings,
    place: Workplace,
    origin: Origin,
    progress: Progress,
) -> TrainedVersion:
    """Train a version in the run's staging folder; see ``training`` for what each kind raises."""
    if kind == LLM:
        return _train_llm(wish, snapshot, settings, place, origin, progress)
    from training.linear.version import train_linear

    return train_linear(
        [*snapshot.training, *snapshot.validation],  # it holds each part out once
        {unit.code: unit.name for unit in snapshot.units},
        models_dir=place.staging,
        error_target=wish.error_target,
        no_unit_review=wish.no_unit_review,
        progress=progress,
        origin=origin,
    )


def _train_llm(
    wish: Wish,
    snapshot: Snapshot,
    settings: Settings,
    place: Workplace,
    origin: Origin,
    progress: Progress,
) -> TrainedVersion:
    try:
        with uncollected():
            from training.adapter.checkpoints import Checkpoints
            from training.adapter.preparation import recipe_for
            from training.adapter.version import train_llm
    except (ModuleNotFoundError, RuntimeError) as error:
        # TRL and transformers wrap what a library of theirs misses.
        missing = next((one for one in chain(error) if isinstance(one, ModuleNotFoundError)), None)
        if missing is None:
            raise
        raise InputError(
            f"this needs {missing.name}, which is not installed where the trainer runs: pip "
            "install 'paidan[ml]'"
        ) from error

    bases = settings.resolved_models_dir / BASES
    base = find_base(wish.base, bases) if wish.base else only_base(bases)
    file = place.temporary / "recipe.toml"
    file.write_text(wish.recipe, "utf-8")
    recipe = recipe_for(base, file).with_files(wish.files, settings.resolved_models_dir)
    return train_llm(
        snapshot.training,
        [PromptUnit(unit.code, unit.name, unit.responsibilities) for unit in snapshot.units],
        base,
        models_dir=place.staging,
        progress=progress,
        recipe=recipe,
        error_target=wish.error_target,
        no_unit_review=wish.no_unit_review,
        answer=wish.answer,
        held_out=snapshot.validation,
        teachers=settings.resolved_models_dir,
        origin=origin,
        checkpoints=Checkpoints(place.checkpoints, settings.checkpoint, place.note_checkpoint),
    )
