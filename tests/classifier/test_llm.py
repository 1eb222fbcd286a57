"""An LLM version from training to answers: what is written, what is refused, what is answered."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import JsonValue

from classifier.fp8_gate import FP8_AGREEMENT
from classifier.interface import Batch
from classifier.llm import LlmClassifier
from classifier.loading import Options, UnitsNow, check_classifier, load_classifier, shares_base
from classifier.manifest import MANIFEST
from classifier.model.adapter_file import CONFIG, WEIGHTS
from classifier.model.bases.entries import BASES, add_base
from classifier.setup import SETUP
from core.errors import ModelVersionError
from registry.writer import TrainedVersion
from tests.support.llm import THEMES
from tests.support.make import UNITS
from tests.support.models import STANDIN
from training.evaluation import evaluate
from training.samples import Sample

ALL = frozenset(UNITS)


@pytest.fixture
def classifier(llm_version: TrainedVersion) -> LlmClassifier:
    loaded = load_classifier(llm_version.path)
    assert isinstance(loaded, LlmClassifier)
    return loaded


@pytest.mark.parametrize(
    ("metrics", "why"),
    [
        ({}, "its answers in fp8 were not compared: train on a GPU that has fp8"),
        ({FP8_AGREEMENT: 0.9896}, "98.96% of the held-out tickets, and 99.00% are asked for"),
    ],
)
def test_a_version_that_is_asked_for_in_fp8_answers_in_nf4_and_says_why(
    llm_version: TrainedVersion,
    classifier: LlmClassifier,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    metrics: dict[str, JsonValue],
    why: str,
) -> None:
    options = Options(mode="fp8")
    version = shutil.copytree(llm_version.path, tmp_path / llm_version.name)
    manifest = json.loads((version / MANIFEST).read_text())
    (version / MANIFEST).write_text(json.dumps(manifest | {"metrics": metrics}))

    asked = load_classifier(version, options=options)

    assert isinstance(asked, LlmClassifier)
    assert asked.engine.backbone is classifier.engine.backbone  # which is in nf4
    assert shares_base(classifier, version, options)
    assert why in caplog.text


def test_it_learned_what_it_was_taught(classifier: LlmClassifier) -> None:
    unseen = [Sample(f"{text} 请处理 {n}", c) for c, text in THEMES.items() for n in range(5)]

    assert evaluate(classifier, unseen, ALL).accuracy == 1.0


def test_answers_are_allowed_units_with_probabilities_that_sum_to_one(
    classifier: LlmClassifier,
) -> None:
    allowed = [ALL, frozenset("AB"), frozenset("C"), frozenset("ABX")]

    decisions = classifier.classify([THEMES["A"]] * 4, allowed, top_k=3)

    for decision, units in zip(decisions, allowed, strict=True):
        assert {code for code, _ in decision.top_k} == units & ALL
        assert sum(p for _, p in decision.top_k) == pytest.approx(1, abs=1e-3)
        assert decision.top_k[0] == (decision.unit, decision.probability)
    assert decisions[2].probability == 1.0


def test_what_was_never_learned_is_held_back(classifier: LlmClassifier) -> None:
    [decision] = classifier.classify(["路灯坏了"], [frozenset("XY")])

    assert (decision.unit, decision.held_back) == ("X", "unlearned")


def test_nothing_to_answer_is_no_error(classifier: LlmClassifier) -> None:
    assert classifier.classify([], []) == []


def test_merged_units_answer_together(llm_version: TrainedVersion) -> None:
    apart = load_classifier(llm_version.path)
    merged = load_classifier(llm_version.path, UnitsNow({"A": "C"}))

    [before] = apart.classify([THEMES["A"]], [ALL], 3)
    [after] = merged.classify([THEMES["A"]], [ALL], 3)

    sums = dict(before.top_k)
    assert dict(after.top_k)["C"] == pytest.approx(sums["A"] + sums["C"], abs=1e-3)
    assert after.unit == "C"
    assert merged.units == frozenset("BC")


def test_a_line_tells_what_was_done_for_the_batches_of_one_call(
    classifier: LlmClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    """``bench.worker`` adds these lines up."""
    caplog.set_level("INFO", "classifier.llm")
    batches = [Batch([text], [ALL]) for text in THEMES.values()]

    list(classifier.classify_batches(batches))

    [line] = [record for record in caplog.records if record.message == "batches ended"]
    told = vars(line)
    assert (told["action"], told["tickets"], told["thoughts"]) == ("batches.ended", 3, 0)
    assert told["forwards"] >= 1
    assert 0 < told["busy"] <= told["seconds"]


def damage(name: str) -> Callable[[Path], object]:
    return lambda v: (v / name).write_bytes((v / name).read_bytes().replace(b"a", b"b", 1))


def forge(name: str, **values: object) -> Callable[[Path], None]:
    """Change a file and the manifest's hash of it: only the content's own check is left."""

    def change(version: Path) -> None:
        import hashlib

        path = version / name
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), "utf-8")
        manifest = json.loads((version / MANIFEST).read_text())
        manifest["files"][name] = hashlib.sha256(path.read_bytes()).hexdigest()
        (version / MANIFEST).write_text(json.dumps(manifest))

    return change


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (damage(WEIGHTS), f"{WEIGHTS} was changed"),
        (damage(CONFIG), f"{CONFIG} was changed"),
        (damage(SETUP), f"{SETUP} was changed"),
        (lambda v: (v / WEIGHTS).unlink(), f"{WEIGHTS} is missing"),
        (forge(CONFIG, r=4), "is expected"),
        (forge(CONFIG, use_dora=True), "which Paidan does not serve"),
        (forge(SETUP, base="7b"), "no base model '7b'"),
        (forge(SETUP, base_sha256="0"), "with other weights than the one here"),
        (forge(SETUP, tokenizer_sha256="0"), "with other tokenizer than the one here"),
        (forge(SETUP, template="{ticket}"), "{unit} stands 0 times"),
        (forge(SETUP, units=[]), "its units are not the manifest's"),
        (forge(SETUP, max_seq_length=100), "tokens are left for a ticket"),
    ],
)
def test_a_damaged_version_is_refused(
    llm_version: TrainedVersion, tmp_path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    copy = shutil.copytree(llm_version.path, tmp_path / llm_version.name)
    spoil(copy)

    for opened in (load_classifier, check_classifier):
        with pytest.raises(ModelVersionError) as refused:
            opened(copy)
        assert told in str(refused.value)


def test_a_version_is_checked_without_a_weight_of_its_base(
    llm_version: TrainedVersion, tmp_path: Path
) -> None:
    """The base may be at work on the GPU, or too large for this machine."""
    version = shutil.copytree(llm_version.path, tmp_path / "models" / llm_version.name)
    add_base(
        str(shutil.copytree(STANDIN.path, tmp_path / "copy")), tmp_path / "models" / BASES, "copy"
    )
    forge(SETUP, base="copy")(version)
    (tmp_path / "copy" / "model.safetensors").unlink()

    check_classifier(version)

    with pytest.raises(ModelVersionError):
        load_classifier(version)
