"""What the held-out tickets say of a trained adapter: how it answers, how well, how surely."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from classifier.calibration import Floats
from classifier.linear_model import LinearWeights
from classifier.manifest import WEAK, Calibration
from classifier.setup import Answer, AnswerBy
from db.figures import REFERENCE
from training.adapter.blending import choose_blending
from training.adapter.choice import Choice, choose, measures
from training.adapter.preparation import Preparation
from training.adapter.scoring import Rows, Scorer, compare_fp8
from training.held_out import FIT_SHARE, HeldOut, calibrate_parts, split_groups
from training.linear.version import fit_linear
from training.no_unit import NoUnitRule
from training.progress import Progress
from training.promise import promise_line
from training.reference import reference_of
from training.weakness import below_commonest, below_linear

MAX_NAMED = 1_000
"""Tickets of one part that are scored by names: each reads all units. The head reads none."""
_SEED = 42


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was found.

    Parameters:
        answer: how the version answers.
        calibration: of these answers.
        metrics: of both ways and of the answer.
        linear: a linear model that learned the same samples, of the taught units.
    """

    answer: Answer
    calibration: Calibration
    metrics: Mapping[str, JsonValue]
    linear: LinearWeights


def assess(
    prepared: Preparation,
    adapter_dir: Path,
    error_target: float,
    no_unit_review: float,
    wanted: AnswerBy | None,
    progress: Progress,
) -> Assessment:
    """Choose how to answer and calibrate on one part of the held-out tickets; judge on the other.

    Args:
        prepared: what was learned from, and the held-out tickets.
        adapter_dir: holds adapter and head.
        error_target: share of wrong answers to accept among those not held back, 0 to 1.
        no_unit_review: share of tickets of learned units that ``no_unit`` may hold back, 0 to 1.
        wanted: by what to answer; None for what is better.
        progress: is told what is chosen, and of a weak version.
    """
    scorer = Scorer(prepared, adapter_dir)
    fitting, untouched = split_groups(prepared.groups, FIT_SHARE, _SEED)
    compared = {by: scorer.score(by, fitting[:MAX_NAMED]) for by in scorer.ways}
    choice = choose(compared, wanted)
    progress.say(choice.why)
    by, most = choice.by, None if choice.by == "head" else MAX_NAMED
    rows = np.concatenate([fitting[:most], untouched[:most]])
    linear = fit_linear(prepared.known)
    by_linear = linear.logits(_texts(prepared, rows))
    answer, blend = _blend(scorer, _answer(prepared, choice), compared, fitting, linear, progress)
    added = answer.linear_weight * by_linear if answer.linear_weight else 0.0
    answers = scorer.score(by, rows, added)
    of_fitting = np.arange(len(fitting[:most]))
    fits, judges = answers.take(of_fitting), answers.take(np.arange(len(of_fitting), len(rows)))
    codes = scorer.codes(by)
    asked = NoUnitRule.of(by, no_unit_review, codes, prepared.taught)
    calibration = calibrate_parts(fits, judges, error_target, codes=codes, asked=asked)
    progress.say(promise_line(calibration))
    metrics = _metrics(choice, compared, answers, judges, calibration.temperature) | blend
    learned = (sample.unit for sample in prepared.known)
    metrics |= {REFERENCE: reference_of(learned, judges, calibration, asked)}
    del scorer  # the comparison needs the room
    numbers = answers.logits.argmax(axis=1)
    metrics |= compare_fp8(prepared, adapter_dir, by, rows, numbers, added, progress)
    if weak := _weakness(prepared, rows, answers, by_linear, progress):
        metrics[WEAK] = weak
    return Assessment(answer, calibration, metrics, linear)


def _answer(prepared: Preparation, choice: Choice) -> Answer:
    names = choice.temperatures.get("names", 1.0)
    return Answer(by=choice.by, taught=prepared.taught, names_temperature=names)


def _blend(
    scorer: Scorer,
    answer: Answer,
    compared: Mapping[AnswerBy, HeldOut],
    fitting: Rows,
    linear: LinearWeights,
    progress: Progress,
) -> tuple[Answer, dict[str, JsonValue]]:
    """Add the linear model to a head, where that is worth it; return what was measured, too."""
    if answer.by != "head":
        return answer, {}
    prepared, head = scorer.prepared, compared["head"]
    found = choose_blending(
        head,
        _texts(prepared, fitting[: len(head)]),
        linear,
        scorer.engine,
        answer,
        prepared.recipe.answer,
    )
    progress.say(found.why)
    facts: dict[str, JsonValue] = {"blend": dict(found.facts)} if found.facts else {}
    return answer.model_copy(update={"linear_weight": found.weight}), facts


def _texts(prepared: Preparation, rows: Rows) -> list[str]:
    return [prepared.scored[row].text for row in rows.tolist()]


def _metrics(
    choice: Choice,
    compared: Mapping[AnswerBy, HeldOut],
    answers: HeldOut,
    judges: HeldOut,
    temperature: float,
) -> dict[str, JsonValue]:
    """Return the measures of the answer first, then of each way on the tickets that chose."""
    overall = measures(answers, temperature)
    untouched = measures(judges, temperature)
    found: dict[str, JsonValue] = {
        "accuracy": overall["accuracy"],
        "macro_f1": overall["macro_f1"],
        "nll": untouched["nll"],
        "calibration_error": untouched["calibration_error"],
        "answer": choice.by,
    }
    for by, one in compared.items():
        temperature = choice.temperatures[by]
        found[by] = {**measures(one, temperature), "temperature": temperature}
    return found


def _weakness(
    prepared: Preparation, rows: Rows, answers: HeldOut, by_linear: Floats, progress: Progress
) -> str | None:
    """Return why the version is too weak, and tell it; None where it is not."""
    units = [prepared.scored[row].unit for row in rows.tolist()]
    right = answers.logits.argmax(axis=1) == answers.labels
    weak = below_commonest(right, units, [sample.unit for sample in prepared.known])
    if weak is None and units:
        linear_right = np.array(prepared.taught)[by_linear.argmax(axis=1)] == np.array(units)
        progress.say(f"a linear model of the same samples answers {linear_right.mean():.1%} right")
        weak = below_linear(right, linear_right, answers.groups)
    if weak is not None:
        progress.say(f"warning: {weak}")
    return weak
