"""Raw scores: what a version decides by, before temperature and softmax."""

from pathlib import Path

import numpy as np
import pytest
import torch

from classifier.calibration import softmax
from classifier.engine.engine import Engine
from classifier.labels.head import Head
from classifier.llm import LlmClassifier
from classifier.loading import UnitsNow, load_classifier
from classifier.model.backbone import load_backbone
from classifier.raw_scores import ScoringClassifier, tells_scores
from classifier.setup import Answer
from tests.support.calibrations import CALIBRATION
from tests.support.llm import themed_samples
from tests.support.make import UNITS
from tests.support.models import CODES, TICKETS, make_prompt, random_base
from tests.support.runners import CPU, use_eager
from training.constant import train_constant
from training.linear.version import train_linear
from training.samples import Sample

ROWS = tuple("ABDE")
TEMPERATURE = 1.7


def decided(classifier: ScoringClassifier, texts: list[str]) -> list[dict[str, float]]:
    allowed = [classifier.units] * len(texts)
    return [dict(one.top_k) for one in classifier.classify(texts, allowed, len(classifier.units))]


def expected(classifier: ScoringClassifier, texts: list[str]) -> list[dict[str, float]]:
    raw = classifier.raw_scores(texts)
    rows = softmax(raw.logits, classifier.calibration.temperature)
    return [dict(zip(raw.units, row, strict=True)) for row in rows.tolist()]


def same(found: list[dict[str, float]], wanted: list[dict[str, float]]) -> bool:
    return found == [pytest.approx(one, abs=1e-4) for one in wanted]


def test_a_linear_version_decides_by_its_raw_scores(tmp_path: Path) -> None:
    version = train_linear(themed_samples(12), UNITS, models_dir=tmp_path)
    classifier = load_classifier(version.path)
    assert tells_scores(classifier)
    classifier.recalibrate(CALIBRATION.model_copy(update={"temperature": TEMPERATURE}))

    raw = classifier.raw_scores(TICKETS)

    assert (raw.codes, raw.units, raw.given_by) == (tuple("ABC"), tuple("ABC"), "linear")
    assert raw.logits.shape == (len(TICKETS), 3)
    assert same(decided(classifier, TICKETS), expected(classifier, TICKETS))


def test_units_that_were_merged_are_told_with_what_stands_for_them(tmp_path: Path) -> None:
    version = train_linear(themed_samples(12), UNITS, models_dir=tmp_path)
    classifier = load_classifier(version.path, UnitsNow({"A": "C"}))
    assert tells_scores(classifier)

    raw = classifier.raw_scores(TICKETS)

    assert (raw.codes, raw.units) == (tuple("ABC"), tuple("CBC"))
    assert raw.logits.shape == (len(TICKETS), 3)


@pytest.mark.parametrize("by", ["head", "names"])
def test_an_llm_decides_by_the_raw_scores_of_what_answers(tmp_path: Path, by: str) -> None:
    backbone = load_backbone(random_base(tmp_path), "full", CPU)
    use_eager(backbone)
    torch.manual_seed(3)
    head = Head(ROWS, torch.randn(len(ROWS), 128) / 4, torch.randn(len(ROWS)))
    engine = Engine(backbone, None, make_prompt(backbone.tokenizer), head=head)
    answer = (
        Answer(by="head", taught=ROWS)
        if by == "head"
        else Answer(by="names", taught=tuple(sorted(CODES)))
    )
    calibration = CALIBRATION.model_copy(update={"temperature": TEMPERATURE})
    classifier = LlmClassifier("v", engine, calibration, answer=answer)
    assert tells_scores(classifier)

    raw = classifier.raw_scores(TICKETS)

    assert (raw.codes, raw.given_by) == (answer.taught, by)
    assert np.isfinite(raw.logits).all()
    allowed = [frozenset(raw.codes)] * len(TICKETS)
    found = [dict(one.top_k) for one in classifier.classify(TICKETS, allowed, len(raw.codes))]
    assert same(found, expected(classifier, TICKETS))


def test_a_constant_version_has_none(tmp_path: Path) -> None:
    samples = [Sample(f"text {n}", "AB"[n % 2]) for n in range(4)]
    version = train_constant(samples, UNITS, models_dir=tmp_path)

    assert not tells_scores(load_classifier(version.path))
