"""A version of any kind is trained by its name."""

from pathlib import Path

import pytest

from core.errors import ModelVersionError, StorageError
from core.settings import Settings
from db.taxonomy import UnitRecord
from paidan.cli.trainings import Wanted, train_version
from tests.support.cli import write
from tests.support.full_disk import files_up_to
from tests.support.llm import RECIPE, themed_samples
from tests.support.make import UNITS as THEMED
from training.samples import Sample

UNITS = [UnitRecord("A", "甲局"), UnitRecord("B", "乙局")]
SAMPLES = [
    Sample(f"{text} {n}", code) for code, text in (("A", "路灯"), ("B", "水管")) for n in range(5)
]


@pytest.mark.parametrize("kind", ["linear", "constant"])
def test_the_wanted_kind_is_trained_with_the_error_target(tmp_path: Path, kind: str) -> None:
    wanted = Wanted(kind, error_target=0.5)

    version = train_version(Settings(home=tmp_path), SAMPLES, UNITS, wanted)

    assert version.path.parent == Settings(home=tmp_path).resolved_models_dir
    assert version.manifest.kind == kind
    assert version.manifest.calibration.error_target == 0.5


def test_the_share_of_false_review_is_passed_on(tmp_path: Path) -> None:
    samples = [Sample(f"{s.text} {n * 7919}号", s.unit) for s in SAMPLES for n in range(12)]

    version = train_version(
        Settings(home=tmp_path), samples, UNITS, Wanted("linear", no_unit_review=0.2)
    )

    no_unit = version.manifest.calibration.no_unit
    assert no_unit is not None
    assert no_unit.review == 0.2


def test_an_llm_is_trained_on_a_base_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(ModelVersionError, match="no base model '7b'"):
        train_version(Settings(home=tmp_path), SAMPLES, UNITS, Wanted("llm", base="7b"))


def test_a_full_disk_is_told_with_the_folders_whatever_library_met_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    wanted = Wanted("llm", recipe=write(tmp_path / "recipe.toml", RECIPE))
    units = [UnitRecord(code, name) for code, name in THEMED.items()]

    with (
        files_up_to(20_000),
        pytest.raises(StorageError, match=r"a training works in .* set TMPDIR and PAIDAN_MODELS"),
    ):
        train_version(settings, themed_samples(6), units, wanted)

    assert not list(settings.resolved_models_dir.glob("**/*"))
