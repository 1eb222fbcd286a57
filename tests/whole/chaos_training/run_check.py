"""Asks the record and the disk what became of the runs of a siege, and what they learned."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from safetensors.torch import load_file
from sqlalchemy import select
from torch import Tensor

from classifier.interface import Classifier
from classifier.linear_model import VOCABULARY
from classifier.linear_model import WEIGHTS as LINEAR_WEIGHTS
from classifier.loading import load_classifier
from core.errors import PaidanError
from db import run_points
from db.models import Event
from db.run_tables import Run, RunState
from registry.opening import load_version
from tests.support.llm import themed_samples
from tests.support.make import UNITS
from tests.support.training_runs import left_in_home, registered, versions_in
from tests.whole.chaos_training.inquirer import POINT_EVERY, STEPS
from tests.whole.chaos_training.stack import Stack
from training.snapshot.snapshot import Snapshot
from training.snapshot.store import snapshots_in

MOST_DIFFERENCE = 1e-5
_ENDED_WELL = (RunState.DONE, RunState.REFUSED)
_ASKED = [sample.text for sample in themed_samples(4)]


@dataclass(slots=True)
class RunVerdict:
    """What became of the runs.

    Attributes:
        attempts: of all runs together.
        difference: the largest one between weights of a broken and an unbroken LLM's run.
        problems: what must not be.
    """

    attempts: int = 0
    difference: float = 0.0
    problems: list[str] = field(default_factory=list)


def check_runs(
    stack: Stack, runs: list[Run], hits: Counter[int], unbroken: dict[str, Path], constants: int
) -> RunVerdict:
    """Compare runs with the kills that hit them and with an unbroken run of each kind.

    Args:
        stack: where they ran; its trainer has stopped.
        runs: the broken ones.
        hits: how often the process of each was killed.
        unbroken: of each kind, the folder of a version that was learned without a break.
        constants: versions that no run has made.
    """
    verdict = RunVerdict(attempts=sum(run.attempts for run in runs))
    for run in runs:
        found = _faults_of(stack, run, hits[run.id])
        if not found:
            found, difference = _compare(stack, run, unbroken[run.kind])
            verdict.difference = max(verdict.difference, difference)
        verdict.problems += [f"run {run.id} ({run.kind}): {fault}" for fault in found]
    verdict.problems += _left_behind(stack, runs, constants)
    return verdict


def _faults_of(stack: Stack, run: Run, hits: int) -> list[str]:
    """Return what is wrong with a run by itself."""
    with stack.database.reading() as session:
        points = [one.step for one in run_points.list_points(session, run.id)]
        told = session.scalars(select(Event.data).where(Event.kind == "run.died"))
        died = sum(data["run"] == run.id for data in told)
    found = []
    if run.state not in _ENDED_WELL or run.error is not None or run.version is None:
        found.append(f"it is {run.state}: {run.error}")
    if run.attempts != 1 + died or run.attempts > 1 + hits:
        found.append(f"{run.attempts} attempts, {died} deaths entered, {hits} kills")
    if run.kind == "llm" and points != list(range(POINT_EVERY, STEPS + 1, POINT_EVERY)):
        found.append(f"its curve has the steps {points}")
    return found


def _compare(stack: Stack, run: Run, unbroken: Path) -> tuple[list[str], float]:
    """Compare what a run has made with what was learned without a break."""
    found = []
    folder = stack.settings.resolved_models_dir
    opened = load_version(stack.database, str(run.version), folder)  # every file as it was written
    if _answers(opened) != _answers(load_classifier(unbroken)):
        found.append("it answers otherwise than the unbroken one")
    mine = folder / str(run.version)
    if run.kind == "linear":
        if _digests(mine) != _digests(unbroken):
            found.append("its weights are not those of the unbroken one")
        return found, 0.0
    difference = _largest_difference(_tensors(mine), _tensors(unbroken))
    if difference >= MOST_DIFFERENCE:
        found.append(f"its weights differ by {difference:.2g} from those of the unbroken one")
    return found, difference


def _answers(version: Classifier) -> list[tuple[str, float]]:
    decisions = version.classify(_ASKED, [frozenset(UNITS)] * len(_ASKED))
    return [(one.unit, round(one.probability, 3)) for one in decisions]


def _digests(folder: Path) -> list[str]:
    names = (LINEAR_WEIGHTS, VOCABULARY)
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names]


def _tensors(folder: Path) -> dict[str, Tensor]:
    """Return all weights of an LLM version: adapter, head, and the linear model beside it."""
    found: dict[str, Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        found |= {f"{file.name}:{name}": tensor for name, tensor in load_file(file).items()}
    return found


def _largest_difference(mine: dict[str, Tensor], theirs: dict[str, Tensor]) -> float:
    if mine.keys() != theirs.keys():
        return float("inf")
    return max(float((mine[name] - theirs[name]).abs().max()) for name in mine)


def _left_behind(stack: Stack, runs: list[Run], constants: int) -> list[str]:
    """Find versions that are no run's, and whatever else should be gone."""
    made = sorted(str(run.version) for run in runs)
    found = []
    if len({run.snapshot_sha256 for run in runs}) != 1:
        found.append("runs learned from different data")
    there = versions_in(stack.settings)
    if registered(stack.database) != there:
        found.append(f"versions there are: {there}; registered: {registered(stack.database)}")
    if len(set(made)) != len(made) or len(there) != len(made) + constants:
        found.append(f"runs made {made}; there are {there}")
    if left_in_home(stack.settings):
        found.append(f"runs have left {left_in_home(stack.settings)}")
    for path in snapshots_in(stack.settings.resolved_models_dir).glob("[0-9]*"):
        try:
            Snapshot.load(path)
        except PaidanError as error:
            found.append(f"a snapshot is damaged: {error}")
    return found
