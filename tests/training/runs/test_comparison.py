"""The gate is asked about what a run has made, with what neither version has learned."""

import shutil
from pathlib import Path

import pytest

from core.settings import Settings
from db import Database, runs
from db.run_tables import Run
from registry.registration import register
from registry.writer import TrainedVersion
from tests.support.llm import themed_samples
from tests.support.make import UNITS, add_units, promote_constant
from training.gate.costs import ROUNDS
from training.gate.verdict import Verdict
from training.linear.version import train_linear
from training.runs import comparison
from training.runs.comparison import Asking, compare
from training.snapshot.building import build_snapshot
from training.snapshot.snapshot import Snapshot


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def learned(database: Database, folder: Path) -> tuple[TrainedVersion, Snapshot]:
    """A registered version, and the snapshot that it has learned."""
    add_units(database)
    snapshot = build_snapshot(database, themed_samples(), models_dir=folder)
    version = train_linear(
        [*snapshot.training, *snapshot.validation], dict(UNITS), models_dir=folder
    )
    with database.writing() as session:
        register(session, version)
    return version, snapshot


def verdict_of(
    database: Database, settings: Settings, version: TrainedVersion, snapshot: Snapshot
) -> Verdict:
    judgement = compare(database, settings, version.name, snapshot, Asking(1))
    assert judgement is not None
    assert (judgement.used, judgement.drawn) == (None, None)
    return judgement.verdict


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # what follows has both
def test_a_version_is_judged_against_the_champion_and_looks_are_counted(
    database: Database, settings: Settings
) -> None:
    # Given a champion that is no good, and a version that has learned a snapshot
    folder = settings.resolved_models_dir
    version, snapshot = learned(database, folder)
    # nobody to beat
    assert compare(database, settings, version.name, snapshot, Asking(1)) is None
    champion = promote_constant(database, folder)

    # When the gate has judged twice before
    with database.writing() as session:
        for _ in range(2):
            run_id = runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="ann")
            run = session.get_one(Run, run_id)
            run.state, run.verdict = "done", {"champion": champion}
    verdict = verdict_of(database, settings, version, snapshot)

    assert (verdict.champion, verdict.challenger) == (champion, version.name)
    assert verdict.look == 3
    [frozen] = [one for one in verdict.findings if one.check == "frozen"]
    assert frozen.facts["tickets"] == len({one.group for one in snapshot.frozen}) > 0

    # And what both cost was measured
    costs = {one.check: one for one in verdict.findings if one.check in ("latency", "memory")}
    assert 1 <= len(costs["latency"].facts["p95_s"]) <= ROUNDS
    assert costs["memory"].facts["peak_bytes"] > 10 << 20
    assert "MiB at most and the champion" in costs["memory"].text


def test_a_past_champion_that_was_better_is_compared_with_unless_it_was_pruned(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "measure_peaks", lambda *_: (None, None))
    monkeypatch.setattr("training.gate.costs._SPARE_S", 0.0)
    monkeypatch.setattr("training.gate.costs._TICKETS", 20)
    # Given a past champion that was right more often than the present one
    folder = settings.resolved_models_dir
    version, snapshot = learned(database, folder)
    past, present = (promote_constant(database, folder) for _ in range(2))
    finding = {"check": "frozen", "tickets": 10, "both": 5, "lost": 2, "gained": 0}
    with database.writing() as session:
        run_id = runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="ann")
        session.get_one(Run, run_id).verdict = {
            "champion": past,
            "challenger": present,
            "findings": [finding],
        }

    # Then the challenger is compared with both
    verdict = verdict_of(database, settings, version, snapshot)
    [best] = [one for one in verdict.findings if one.check == "best so far"]
    assert past in best.text

    # And with the present one alone where the other's files are gone
    shutil.rmtree(folder / past)
    verdict = verdict_of(database, settings, version, snapshot)
    assert all(one.check != "best so far" for one in verdict.findings)
