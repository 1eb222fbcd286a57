"""While the LLM cannot answer, the linear baseline does, and says so; the LLM returns by itself."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from classifier.interface import Decision
from classifier.model.adapter_file import WEIGHTS
from classifier.model.bases.entries import BASES, add_base
from classifier.setup import SETUP
from core.settings import Settings
from db import Database, versions
from db.models import Classification
from registry.registration import register
from registry.writer import TrainedVersion
from tests.support.llm import THEMES, changed_copy, promote_llm, themed_samples
from tests.support.make import UNITS, add_tickets, add_units, promote_constant
from tests.support.models import STANDIN
from tests.support.recorder import put_model
from training.linear.version import train_linear
from worker.loop import ClaimLoop
from worker.resident import Resident


class Gpu:
    """A card that can be pulled out."""

    present = True

    def __call__(self) -> bool:
        return self.present


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Gpu:
    """The worker is pinned to a card, which torch (here without CUDA) does not need."""
    card = Gpu()
    monkeypatch.setattr("worker.gpu.is_pinned", lambda: True)
    return card


@pytest.fixture
def baseline(database: Database, settings: Settings) -> str:
    add_units(database)
    version = train_linear(themed_samples(), UNITS, models_dir=settings.resolved_models_dir)
    with database.writing() as session:
        register(session, version)
    return version.name


@pytest.fixture
def llm(database: Database, settings: Settings, baseline: str, llm_version: TrainedVersion) -> str:
    return promote_llm(database, settings.resolved_models_dir, llm_version)


def make_resident(database: Database, settings: Settings, gpu: Gpu) -> Resident:
    resident = Resident(database, settings.resolved_models_dir, gpu_is_present=gpu)
    resident.retry_after = 0.0
    return resident


def test_with_its_gpu_gone_the_baseline_answers_and_the_rows_say_so(
    database: Database, settings: Settings, gpu: Gpu, baseline: str, llm: str
) -> None:
    # Given an LLM as champion, and no card
    gpu.present = False
    resident = make_resident(database, settings, gpu)
    loop = ClaimLoop(database, resident, settings, lambda ids: None, "w")
    ids = add_tickets(database, 3, text=THEMES["A"])

    # When tickets come
    loop.run(ids, "bulk")

    # Then the linear version answers them, marked as degraded
    with database.reading() as session:
        answers = session.scalars(select(Classification)).all()
        assert {(a.model_version, a.degraded, a.unit_code) for a in answers} == {
            (baseline, True, "A")
        }
    assert not resident.needs_new_process


def test_when_the_gpu_is_back_a_new_process_is_asked_for_and_loads_the_llm(
    database: Database, settings: Settings, gpu: Gpu, llm: str
) -> None:
    gpu.present = False
    resident = make_resident(database, settings, gpu)
    resident.refresh()
    assert resident.degraded
    resident.refresh()
    assert not resident.needs_new_process  # the card is still out

    gpu.present = True
    resident.refresh()

    assert resident.needs_new_process
    fresh = make_resident(database, settings, gpu)
    fresh.refresh()
    assert (fresh.version, fresh.degraded) == (llm, False)


class Broken:
    """An LLM whose card fails under it."""

    kind = "llm"
    token_budget = 1000

    def __init__(self, version: str) -> None:
        self.version = version
        self.units = frozenset(UNITS)

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        raise RuntimeError("CUDA error: unspecified launch failure")


def test_an_llm_that_fails_at_work_hands_over_within_the_same_message(
    database: Database, settings: Settings, gpu: Gpu, baseline: str, llm: str
) -> None:
    # Given an LLM that worked when it was loaded
    resident = make_resident(database, settings, gpu)
    resident.retry_after = 3600.0
    resident.refresh()
    put_model(resident, Broken(llm))
    loop = ClaimLoop(database, resident, settings, lambda ids: None, "w")
    ids = add_tickets(database, 3, text=THEMES["B"])

    # When it fails on a batch
    assert loop.run(ids, "bulk") == 3

    # Then the baseline answers that batch, no attempt is lost, and the LLM is wanted back
    with database.reading() as session:
        answers = session.scalars(select(Classification)).all()
        assert {(a.model_version, a.degraded) for a in answers} == {(baseline, True)}
    resident.retry_after = 0.0
    resident.state = replace(resident.state, retry_at=0.0)
    resident.refresh()
    assert resident.needs_new_process


def test_a_baseline_that_fails_too_lets_the_tickets_wait(
    database: Database, settings: Settings, gpu: Gpu, baseline: str, llm: str
) -> None:
    resident = make_resident(database, settings, gpu)
    resident.retry_after = 3600.0
    gpu.present = False
    resident.refresh()
    put_model(resident, Broken(baseline))
    loop = ClaimLoop(database, resident, settings, lambda ids: None, "w")

    assert loop.run(add_tickets(database, 2), "bulk") == 0

    assert resident.classifier is None


def test_without_a_baseline_tickets_wait_for_the_llm(
    database: Database, settings: Settings, gpu: Gpu, llm_version: TrainedVersion
) -> None:
    add_units(database)
    promote_llm(database, settings.resolved_models_dir, llm_version)
    gpu.present = False
    resident = make_resident(database, settings, gpu)

    assert resident.refresh() is None
    assert not resident.degraded


def test_an_llm_version_refused_for_its_files_comes_back_with_them(
    database: Database, settings: Settings, llm: str, baseline: str
) -> None:
    # Given a champion with a damaged adapter, and a worker on the CPU
    weights = settings.resolved_models_dir / llm / "adapter_model.safetensors"
    intact = weights.read_bytes()
    weights.write_bytes(b"")
    resident = Resident(database, settings.resolved_models_dir)
    resident.retry_after = 0.0
    resident.refresh()
    assert (resident.version, resident.degraded) == (baseline, True)

    # When the file is restored
    weights.write_bytes(intact)
    resident.refresh()

    # Then the same process serves the LLM
    assert (resident.version, resident.degraded) == (llm, False)


def test_a_refused_llm_leaves_the_one_before_in_service(
    database: Database, settings: Settings, baseline: str, llm_version: TrainedVersion
) -> None:
    first = promote_constant(database, settings.resolved_models_dir)
    resident = Resident(database, settings.resolved_models_dir)
    resident.refresh()
    promote_llm(database, settings.resolved_models_dir, llm_version)
    (settings.resolved_models_dir / llm_version.name / "llm.json").write_text("{}")

    resident.refresh()

    assert (resident.version, resident.degraded) == (first, False)


def test_a_linear_champion_is_not_degraded(
    database: Database, settings: Settings, gpu: Gpu, baseline: str
) -> None:
    with database.writing() as session:
        versions.promote(session, baseline, actor="test")
    gpu.present = False
    resident = make_resident(database, settings, gpu)

    resident.refresh()

    assert (resident.version, resident.degraded) == (baseline, False)


def test_an_llm_on_another_base_gets_the_gpu_to_itself(
    database: Database, settings: Settings, gpu: Gpu, llm: str, llm_version: TrainedVersion
) -> None:
    # Given an LLM that answers, and a version on another base
    resident = make_resident(database, settings, gpu)
    old = resident.refresh()
    other = on_another_base(settings.resolved_models_dir, llm_version)

    # When that is promoted
    promote_llm(database, settings.resolved_models_dir, other)
    still = resident.refresh()

    # Then the old one answers until a new process takes over, which loads the other
    assert (still, resident.version) == (old, llm)
    assert resident.needs_new_process
    fresh = make_resident(database, settings, gpu)
    fresh.refresh()
    assert fresh.version == other.name
    assert not fresh.needs_new_process


def test_a_damaged_llm_on_another_base_is_refused_by_the_process_that_is_there(
    database: Database, settings: Settings, gpu: Gpu, llm: str, llm_version: TrainedVersion
) -> None:
    resident = make_resident(database, settings, gpu)
    old = resident.refresh()
    other = on_another_base(settings.resolved_models_dir, llm_version)
    (other.path / WEIGHTS).write_bytes(b"")

    promote_llm(database, settings.resolved_models_dir, other)

    assert resident.refresh() is old
    assert not resident.needs_new_process


def on_another_base(models_dir: Path, version: TrainedVersion) -> TrainedVersion:
    """A copy of a version that was trained on a base of another name and other files."""
    copy = shutil.copytree(STANDIN.path, models_dir.parent / "other")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"comment": "another one"}))
    base = add_base(str(copy), models_dir / BASES)

    def move(directory: Path) -> None:
        setup = json.loads((directory / SETUP).read_text("utf-8"))
        told = {"base": base.name, "base_sha256": base.sha256}
        (directory / SETUP).write_text(json.dumps(setup | told), "utf-8")

    return changed_copy(version, models_dir, "other", move)
