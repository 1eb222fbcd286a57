"""An LLM version from training to answers: what is written, what is refused, what is answered."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import JsonValue

from classifier.fp8_gate import FP8_AGREEMENT
from classifier.llm import LlmClassifier
from classifier.loading import Options, check_classifier, load_classifier, shares_base
from classifier.manifest import MANIFEST
from classifier.model.adapter_file import CONFIG, WEIGHTS
from classifier.model.bases.entries import BASES, STAND_IN, add_base
from classifier.setup import SETUP
from classifier.version_files import read_manifest
from core.errors import ModelVersionError
from registry.writer import TrainedVersion
from tests.support.llm import THEMES, Told, prompt_units, themed_samples
from tests.support.make import UNITS
from tests.support.models import STANDIN
from training.adapter.trainer import IGNORED, Tokens, as_dataset
from training.adapter.version import recipe_for, train_llm
from training.evaluation import evaluate
from training.samples import Sample

ALL = frozenset(UNITS)


@pytest.fixture
def classifier(llm_version: TrainedVersion) -> LlmClassifier:
    loaded = load_classifier(llm_version.path)
    assert isinstance(loaded, LlmClassifier)
    return loaded


def test_training_tells_its_lengths_its_steps_and_its_end(
    llm_training: tuple[TrainedVersion, Told],
) -> None:
    version, told = llm_training

    assert "max_seq_length 320, ticket up to" in told.lines[0]
    assert "108 tickets to learn from, 12 held out" in told.lines[1]
    assert told.steps[-1] == (28, 28)
    assert str(version.path) in told.lines[-1]


def test_a_version_holds_all_its_answers_depend_on(llm_version: TrainedVersion) -> None:
    manifest = read_manifest(llm_version.path)
    setup = json.loads((llm_version.path / SETUP).read_text("utf-8"))

    assert manifest.files.keys() == {CONFIG, WEIGHTS, SETUP}
    assert manifest.codes == ("A", "B", "C")
    assert setup["base"] == STAND_IN
    assert setup["base_sha256"] == STANDIN.sha256
    assert manifest.training.settings["lora"]["r"] == 8  # type: ignore[index,call-overload]
    assert manifest.training.settings["through"] == "peft"


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

    asked = load_classifier(version, None, options)

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
    merged = load_classifier(llm_version.path, {"A": "C"})

    [before] = apart.classify([THEMES["A"]], [ALL], 3)
    [after] = merged.classify([THEMES["A"]], [ALL], 3)

    sums = dict(before.top_k)
    assert dict(after.top_k)["C"] == pytest.approx(sums["A"] + sums["C"], abs=1e-3)
    assert after.unit == "C"
    assert merged.units == frozenset("BC")


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
        (forge(SETUP, template="{ticket}"), "{thought} stands 0 times"),
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


def test_the_stand_in_brings_its_recipe() -> None:
    recipe = recipe_for(STANDIN)

    assert recipe.data.template == "short"
    assert recipe.lora.r == 64  # the rest is the article's


def test_padding_is_masked_and_the_end_token_is_learned() -> None:
    """Even where they are the same token, as in DeepSeek-R1-Distill-Qwen."""
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    end = 9
    samples = [Tokens([1, 2, 3, end], 2), Tokens([1, 4, end], 1)]
    for completion_only, expected in (
        (True, [[IGNORED, IGNORED, 3, end], [IGNORED, 4, end, IGNORED]]),
        (False, [[1, 2, 3, end], [1, 4, end, IGNORED]]),
    ):
        rows = as_dataset(samples, completion_only=completion_only)
        batch = DataCollatorForLanguageModeling(pad_token_id=end)(list(rows))

        assert batch["labels"].tolist() == expected
        assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]


def test_two_units_that_look_alike_to_the_tokenizer_are_refused_before_training(
    tmp_path: Path,
) -> None:
    from classifier.labels.template import PromptUnit
    from core.errors import TaxonomyError

    alike = [PromptUnit("A", "甲局"), PromptUnit("B", "甲局")]

    with pytest.raises(TaxonomyError, match="have the same tokens"):
        train_llm(
            [Sample("x", "A"), Sample("y", "B")],
            alike,
            STANDIN,
            models_dir=tmp_path,
            progress=Told(),
        )


def test_the_order_of_the_samples_does_not_change_the_split() -> None:
    from training.adapter.version import _split

    recipe = recipe_for(STANDIN)
    samples = themed_samples(10)

    first, second = (_split(order, recipe) for order in (samples, samples[::-1]))
    assert first == second
    assert len(first[1]) == 3
    assert len(prompt_units()) == 3
