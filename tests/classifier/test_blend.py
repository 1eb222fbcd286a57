"""The blend: a linear model's scores added to a head's, as they are served."""

from pathlib import Path

import numpy as np
import pytest

from classifier.blend import Blend
from classifier.calibration import softmax
from classifier.engine.engine import Engine
from classifier.interface import Batch
from classifier.labels.head import Head
from classifier.linear_model import VOCABULARY, LinearWeights
from classifier.linear_model import WEIGHTS as LINEAR
from classifier.llm import LlmClassifier
from classifier.manifest import Calibration, NoUnit
from classifier.model.backbone import load_backbone
from classifier.setup import Answer
from core.errors import ModelVersionError
from registry.writer import TrainedVersion
from tests.support.llm import changed_copy, themed_samples, with_linear
from tests.support.models import TICKETS, make_prompt, random_base
from tests.support.runners import CPU, use_eager
from training.linear.version import fit_linear
from training.samples import Sample

WEIGHT = 0.7
TAUGHT = ("A", "B", "D")
ROWS = ("D", "A", "B")  # a head's file may have another order than the linear model's classes
ANSWER = Answer(by="head", taught=TAUGHT, linear_weight=WEIGHT)
CALIBRATION = Calibration(
    temperature=2.5, threshold=0.0, error_target=0.05, coverage=1, error=0, held_out=9
)


@pytest.fixture(scope="module")
def linear() -> LinearWeights:
    return fit_linear([Sample(f"{text} {n}", unit) for n in range(4) for text, unit in SAMPLES])


SAMPLES = [("路灯坏了没人修", "A"), ("孩子报名上学", "B"), ("停水三天", "D")]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    import torch

    base = random_base(tmp_path_factory.mktemp("base"))
    backbone = load_backbone(base, "full", CPU)
    use_eager(backbone)
    torch.manual_seed(3)
    head = Head(ROWS, torch.randn(3, 128) / 4, torch.randn(3))
    return Engine(backbone, None, make_prompt(backbone.tokenizer), head=head)


@pytest.fixture
def blended(engine: Engine, linear: LinearWeights) -> LlmClassifier:
    return classifier(engine, linear)


def classifier(engine: Engine, linear: LinearWeights, **changed: object) -> LlmClassifier:
    calibration = CALIBRATION.model_copy(update=changed)
    blend = Blend(linear, TAUGHT, WEIGHT)
    return LlmClassifier("v", engine, calibration, answer=ANSWER, blend=blend)


def expected_logits(engine: Engine, linear: LinearWeights) -> dict[str, np.ndarray]:
    """Each unit's column of the sum."""
    by_head = dict(zip(ROWS, engine.head_logits(TICKETS).T, strict=True))
    by_linear = dict(zip(TAUGHT, linear.logits(TICKETS).T, strict=True))
    return {code: by_head[code] + WEIGHT * by_linear[code] for code in TAUGHT}


@pytest.mark.parametrize("allowed", ["ABD", "BD"])
def test_probabilities_are_those_of_the_summed_scores_of_the_allowed_units(
    engine: Engine, linear: LinearWeights, blended: LlmClassifier, allowed: str
) -> None:
    logits = expected_logits(engine, linear)
    wanted = softmax(np.stack([logits[code] for code in allowed], axis=1), 2.5)

    decisions = blended.classify(TICKETS, [frozenset(allowed)] * len(TICKETS))

    for decision, row in zip(decisions, wanted, strict=True):
        found = dict(decision.top_k)
        assert [found[code] for code in allowed] == pytest.approx(row.tolist(), abs=2e-5)


def test_many_batches_with_units_of_their_own_are_answered_as_each_alone(
    blended: LlmClassifier,
) -> None:
    units = [frozenset("ABD"), frozenset("AD")]
    allowed = [units[n % 2] for n in range(len(TICKETS))]
    batches = [Batch([text], [one]) for text, one in zip(TICKETS, allowed, strict=True)]

    together = blended.classify(TICKETS, allowed)
    apart = {b.texts[0]: d for b, [d] in blended.classify_batches(batches)}

    for text, decision in zip(TICKETS, together, strict=True):
        assert dict(apart[text].top_k) == pytest.approx(dict(decision.top_k), abs=1e-5)


def test_raw_scores_and_belonging_are_those_of_the_sum(
    engine: Engine, linear: LinearWeights, blended: LlmClassifier
) -> None:
    logits = expected_logits(engine, linear)

    scores = blended.raw_scores(TICKETS)

    assert scores.codes == ROWS
    wanted = np.stack([logits[code] for code in ROWS], axis=1)
    assert np.abs(scores.logits - wanted).max() < 1e-4
    # The middle of the highest logits divides strangers from the others
    middle = float(np.median(wanted.max(axis=1)))
    strict = classifier(engine, linear, no_unit=NoUnit(score="logit", threshold=middle, review=0.5))
    decisions = strict.classify(TICKETS, [frozenset("AB")] * len(TICKETS))
    strangers = [decision.held_back == "no_unit" for decision in decisions]
    assert strangers == (wanted.max(axis=1) < middle).tolist()


def test_a_version_keeps_its_linear_model_and_refuses_a_damaged_one(
    head_version: TrainedVersion, tmp_path: Path
) -> None:
    linear = fit_linear(themed_samples())
    version = with_linear(head_version, tmp_path, linear, WEIGHT)
    text = themed_samples()[0].text

    alone, served = (LlmClassifier.load(one.path) for one in (head_version, version))

    LlmClassifier.check(version.path)
    added = served.raw_scores([text]).logits - alone.raw_scores([text]).logits
    assert np.abs(added - WEIGHT * linear.logits([text])).max() < 1e-4
    for name in (LINEAR, VOCABULARY):
        broken = changed_copy(
            version,
            tmp_path,
            name.split(".")[0],
            lambda folder, name=name: (folder / name).unlink(),
        )
        with pytest.raises(ModelVersionError, match=name):
            LlmClassifier.check(broken.path)


def test_a_linear_model_of_other_units_is_refused(
    head_version: TrainedVersion, tmp_path: Path
) -> None:
    two = fit_linear([sample for sample in themed_samples() if sample.unit != "C"])

    version = with_linear(head_version, tmp_path, two, WEIGHT)

    with pytest.raises(ModelVersionError, match="is expected"):
        LlmClassifier.load(version.path)


def test_names_are_not_blended() -> None:
    with pytest.raises(ValueError, match="names answer"):
        Answer(by="names", taught=TAUGHT, linear_weight=WEIGHT)
