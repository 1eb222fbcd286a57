"""Training: what it learns, what it refuses, and that it repeats itself."""

from pathlib import Path

import numpy as np
import pytest

from classifier.linear_model import WEIGHTS, LinearWeights
from classifier.loading import load_classifier
from classifier.manifest import WEAK
from classifier.version_files import read_manifest
from core.errors import InputError, ModelVersionError, TaxonomyError
from registry.writer import TrainedVersion
from tests.support.told import Told
from training.linear.version import fit_linear, train_linear
from training.no_unit import SCORES
from training.samples import Sample, data_sha256

UNITS = {"GA": "公安局", "JT": "交通局", "SW": "水务局", "ZJ": "住建局"}
THEMES = {"GA": "深夜噪音扰民", "JT": "公交车不来站", "SW": "自来水管破裂"}
ALL = frozenset(UNITS)


def some_samples(count: int = 90) -> list[Sample]:
    """Tickets of three units, told apart by their theme, shuffled characters around it."""
    rng = np.random.default_rng(7)
    codes = sorted(THEMES)
    return [
        Sample(
            f"{THEMES[codes[n % 3]]}{''.join(rng.choice(list('一二三四五六'), 6))}", codes[n % 3]
        )
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedVersion:
    return train_linear(some_samples(), UNITS, models_dir=tmp_path_factory.mktemp("models"))


def test_training_learns_calibrates_and_says_what_it_did(trained: TrainedVersion) -> None:
    classifier = load_classifier(trained.path)

    decisions = classifier.classify([f"请问{THEMES['SW']}", THEMES["JT"]], [ALL, ALL])

    assert [decision.unit for decision in decisions] == ["SW", "JT"]
    assert [decision.held_back for decision in decisions] == [None, None]
    assert classifier.units == frozenset(THEMES)
    manifest = read_manifest(trained.path)
    assert manifest == trained.manifest
    assert manifest.codes == ("GA", "JT", "SW")
    assert manifest.metrics["accuracy"] == 1.0
    # Of the 90, seven of ten set the threshold: all are right, and 59 would have been enough.
    calibration = manifest.calibration
    assert (calibration.held_out, calibration.error) == (63, 0.0)
    assert calibration.coverage > 0.9
    assert (calibration.confidence, calibration.needed) == (0.9, None)
    assert manifest.training.data_sha256 == data_sha256(some_samples())


def test_a_version_tells_tickets_of_no_unit_and_which_units_matter(trained: TrainedVersion) -> None:
    calibration, classifier = trained.manifest.calibration, load_classifier(trained.path)

    strange, own = classifier.classify(["Where is my parcel?", f"{THEMES['SW']}一"], [ALL, ALL])

    assert calibration.no_unit is not None
    assert (calibration.no_unit.score, calibration.no_unit.review) == (SCORES["linear"], 0.05)
    assert (strange.held_back, own.held_back) == ("no_unit", None)
    assert own.sets == ((0.9, ("SW",)), (0.95, ("SW",)))


def test_without_a_share_to_review_no_ticket_is_asked_whether_it_belongs(tmp_path: Path) -> None:
    version = train_linear(some_samples(), UNITS, models_dir=tmp_path, no_unit_review=0)

    assert version.manifest.calibration.no_unit is None


def test_the_same_samples_in_any_order_give_the_same_weights(
    trained: TrainedVersion, tmp_path: Path
) -> None:
    again = train_linear(some_samples()[::-1], UNITS, models_dir=tmp_path)

    assert again.manifest.files == trained.manifest.files
    assert again.manifest.calibration == trained.manifest.calibration
    assert again.name != trained.name


def test_where_too_few_are_held_out_one_line_says_how_many_are_needed(tmp_path: Path) -> None:
    told = Told()

    version = train_linear(some_samples(30), UNITS, models_dir=tmp_path, progress=told)

    decision = load_classifier(version.path).classify([THEMES["SW"]], [ALL])[0]
    assert decision.held_back == "doubtful"
    assert version.manifest.calibration.needed == 59
    lines = [line for line in told.lines if "held back" in line]
    assert len(lines) == 1
    assert "at least 59 held-out tickets" in lines[0]
    assert "there are 21" in lines[0]


def test_near_duplicates_of_different_units_are_told_of(tmp_path: Path) -> None:
    told = Told()
    samples = some_samples(30)
    other = Sample(f"{samples[0].text}!", "JT", source="line 31")

    train_linear([*samples, other], UNITS, models_dir=tmp_path, progress=told)

    lines = [line for line in told.lines if "different units" in line]
    assert len(lines) == 1
    assert "line 31 (JT)" in lines[0]


def test_two_units_are_enough(tmp_path: Path) -> None:
    samples = [sample for sample in some_samples(60) if sample.unit != "GA"]

    version = train_linear(samples, UNITS, models_dir=tmp_path)

    decisions = load_classifier(version.path).classify([THEMES["JT"], THEMES["SW"]], [ALL] * 2)
    assert [decision.unit for decision in decisions] == ["JT", "SW"]


def test_a_unit_with_one_sample_is_learned_without_a_warning(tmp_path: Path) -> None:
    samples = [*some_samples(), Sample("楼房外墙脱落危险", "ZJ")]

    version = train_linear(samples, UNITS, models_dir=tmp_path)

    assert version.manifest.calibration.held_out == 63
    assert load_classifier(version.path).classify(["外墙脱落"], [ALL])[0].unit == "ZJ"


def test_without_two_samples_of_any_unit_every_answer_is_held_back(tmp_path: Path) -> None:
    samples = [Sample(text, code) for code, text in THEMES.items()]

    version = train_linear(samples, UNITS, models_dir=tmp_path)

    assert version.manifest.metrics["accuracy"] is None
    decision = load_classifier(version.path).classify([THEMES["SW"]], [ALL])[0]
    assert (decision.unit, decision.held_back) == ("SW", "doubtful")


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([], "nothing to train on"),
        ([Sample("a", "SW"), Sample("b", "SW")], "at least two units"),
        ([Sample(" ", "SW"), Sample("", "JT")], "no sample has a text"),
        ([Sample(chr(0x4E00 + n), "SJWT"[n % 2 :: 2]) for n in range(200)], "too short"),
    ],
)
def test_samples_that_teach_nothing_are_refused(
    tmp_path: Path, samples: list[Sample], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        train_linear(samples, UNITS, models_dir=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_sample_of_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match="XX"):
        train_linear([*some_samples(), Sample("a", "XX")], UNITS, models_dir=tmp_path)


def test_a_weight_file_changed_after_training_is_refused(trained: TrainedVersion) -> None:
    path = trained.path / WEIGHTS
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        with pytest.raises(ModelVersionError, match="changed after training"):
            load_classifier(trained.path)
    finally:
        path.write_bytes(content)


def test_a_model_no_better_than_the_commonest_unit_is_told_to_be_weak(tmp_path: Path) -> None:
    """Units that have nothing to do with the texts."""
    codes = sorted(THEMES)
    samples = [
        Sample(sample.text, codes[n * n % 7 % 3]) for n, sample in enumerate(some_samples(60))
    ]
    told = Told()

    version = train_linear(samples, UNITS, models_dir=tmp_path, progress=told)

    weak = version.manifest.metrics[WEAK]
    assert "always naming the commonest unit, " in str(weak)
    assert f"warning: {weak}" in told.lines


def test_a_model_without_a_version_has_the_same_weights(trained: TrainedVersion) -> None:
    weights = fit_linear(some_samples())

    texts = [sample.text for sample in some_samples(9)]
    kept = LinearWeights.load(trained.path, trained.manifest)
    assert np.allclose(weights.logits(texts), kept.logits(texts))
    assert WEAK not in trained.manifest.metrics


@pytest.mark.parametrize(("weight", "share_right"), [(0.01, 1.0), (9.0, 0.0)])
def test_of_two_labels_of_a_text_the_heavier_one_is_learned(
    weight: float, share_right: float
) -> None:
    right = some_samples(60)
    others = dict(zip(THEMES, [*list(THEMES)[1:], "GA"], strict=True))
    wrong = [Sample(one.text, others[one.unit], weight=weight) for one in right]

    learned = fit_linear([*right, *wrong])

    answers = learned.logits([one.text for one in right]).argmax(axis=1).tolist()
    pairs = zip(answers, right, strict=True)
    assert np.mean([sorted(THEMES)[at] == one.unit for at, one in pairs]) == share_right
