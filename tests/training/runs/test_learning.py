"""What a run trains: what was asked for, in its own folder."""

import sys
from pathlib import Path

import pytest

from classifier.manifest import BaseReference
from classifier.model.bases.entries import STAND_IN
from classifier.setup import Setup
from core.errors import InputError, ModelVersionError
from core.settings import Settings
from db import Database
from registry.lineage import Origin
from tests.support.llm import RECIPE, themed_samples
from tests.support.make import add_units
from tests.support.told import Told
from training.runs.learning import train
from training.runs.wish import Wish
from training.runs.workplace import Workplace
from training.snapshot.building import build_snapshot
from training.snapshot.snapshot import Snapshot

ORIGIN = Origin("champion-of-then", "ab" * 32, 7)
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def snapshot(database: Database, tmp_path: Path) -> Snapshot:
    add_units(database)
    return build_snapshot(database, themed_samples(), models_dir=tmp_path / "made")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def place(settings: Settings) -> Workplace:
    place = Workplace(settings, 1)
    place.prepare()
    return place


def test_a_linear_version_is_made_as_asked_for_and_not_among_the_others(
    settings: Settings, place: Workplace, snapshot: Snapshot
) -> None:
    version = train("linear", Wish(error_target=0.2), snapshot, settings, place, ORIGIN, Told())

    assert version.path.parent == place.staging
    assert version.manifest.calibration.error_target == 0.2
    learned = len(snapshot.training) + len(snapshot.validation)
    assert version.manifest.training.samples == learned < 120
    lineage = version.manifest.lineage
    assert lineage is not None
    assert (lineage.parent, lineage.snapshot, lineage.run) == ("champion-of-then", "ab" * 32, 7)
    assert lineage.base is None


@pytest.mark.filterwarnings("ignore")  # torch's remarks on a run without a GPU
def test_an_llm_is_trained_by_the_recipe_that_was_given(
    settings: Settings, place: Workplace, snapshot: Snapshot
) -> None:
    recipe = RECIPE.replace("num_train_epochs = 4", "max_steps = 2")
    wish = Wish(base=STAND_IN, recipe=recipe, error_target=1)

    version = train("llm", wish, snapshot, settings, place, ORIGIN, Told())

    assert version.path.parent == place.staging
    assert version.manifest.training.settings["lora"]["r"] == 8
    assert version.manifest.training.samples == len(snapshot.training)
    setup = Setup.read(version.path, version.manifest)
    lineage = version.manifest.lineage
    assert setup.base == STAND_IN
    assert lineage is not None
    assert (lineage.run, lineage.base) == (
        7,
        BaseReference(name=STAND_IN, sha256=setup.base_sha256),
    )


@pytest.mark.parametrize(
    ("wish", "said"),
    [(Wish(base="nowhere"), "nowhere"), (Wish(recipe="[magic]", base=STAND_IN), "magic")],
    ids=["base", "recipe"],
)
def test_a_base_or_recipe_that_is_none_is_refused(
    settings: Settings, place: Workplace, snapshot: Snapshot, wish: Wish, said: str
) -> None:
    with pytest.raises((InputError, ModelVersionError), match=said):
        train("llm", wish, snapshot, settings, place, ORIGIN, Told())


class Broken:
    """Finds no module of LLM training, as TRL does where a library of its own is missing."""

    def __init__(self, *, is_missing: bool) -> None:
        self.is_missing = is_missing

    def find_spec(self, name: str, *_: object) -> None:
        if name == "training.adapter.version":
            cause = ModuleNotFoundError(name="peft") if self.is_missing else ValueError()
            raise RuntimeError("Failed to import trl.trainer.sft_config") from cause


@pytest.mark.parametrize(
    ("is_missing", "error", "told"),
    [(True, InputError, "this needs peft, which is not"), (False, RuntimeError, "Failed")],
)
def test_a_library_that_a_library_misses_is_named(
    settings: Settings,
    place: Workplace,
    snapshot: Snapshot,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_missing: bool,
    error: type[Exception],
    told: str,
) -> None:
    monkeypatch.delitem(sys.modules, "training.adapter.version", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(is_missing=is_missing), *sys.meta_path])

    with pytest.raises(error, match=told):
        train("llm", Wish(base=STAND_IN), snapshot, settings, place, ORIGIN, Told())
