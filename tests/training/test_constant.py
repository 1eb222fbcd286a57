"""The constant model: it counts units, and answers the most frequent one."""

from pathlib import Path

import pytest

from classifier.constant import PRIOR
from classifier.loading import UnitsNow, load_classifier
from core.errors import ModelVersionError
from registry.writer import write_version
from training.constant import train_constant
from training.samples import Sample

UNITS = {"GA": "公安局", "JT": "交通局", "SW": "水务局", "ZJ": "住建局"}
ALL = frozenset(UNITS)


def test_the_constant_model_answers_the_most_frequent_allowed_unit(tmp_path: Path) -> None:
    samples = [Sample("a", code) for code in ("SW", "SW", "SW", "JT", "JT", "GA")]
    version = train_constant(samples, UNITS, models_dir=tmp_path)

    classifier = load_classifier(version.path)

    first, second, third = classifier.classify(
        ["x", "y", "z"], [ALL, frozenset({"GA", "JT"}), frozenset({"ZJ"})]
    )
    assert first.top_k == (("SW", 0.5), ("JT", 0.333333), ("GA", 0.166667))
    assert (first.unit, first.held_back) == ("SW", "doubtful")
    assert second.top_k == (("JT", 0.666667), ("GA", 0.333333))
    assert (third.unit, third.held_back) == ("ZJ", "unlearned")
    merged = load_classifier(version.path, UnitsNow({"GA": "JT"})).classify(["x"], [ALL])[0]
    assert merged.top_k == (("JT", 0.5), ("SW", 0.5))


def test_the_constant_model_acts_where_the_error_target_allows(tmp_path: Path) -> None:
    samples = [Sample("a", "SW"), Sample("b", "JT")]
    version = train_constant(samples, UNITS, models_dir=tmp_path, error_target=1.0)

    decision = load_classifier(version.path).classify(["x"], [ALL])[0]

    assert (decision.unit, decision.held_back) == ("JT", None)


@pytest.mark.parametrize("counts", ['{"A": 1}', '{"A": 1, "B": 0, "C": 1}', "[]", "{"])
def test_a_constant_version_whose_counts_do_not_fit_is_refused(tmp_path: Path, counts: str) -> None:
    samples = [Sample("x", code) for code in "ABC"]
    version = train_constant(samples, {code: code for code in "ABC"}, models_dir=tmp_path)
    manifest = version.manifest.model_copy(update={"name": "toy", "files": {}})

    def write(directory: Path) -> None:
        (directory / PRIOR).write_text(counts)

    write_version(tmp_path / "toy", manifest, write)

    with pytest.raises(ModelVersionError, match=PRIOR):
        load_classifier(tmp_path / "toy")
