"""A run's errand in this process: it makes a version once, and tells how it ended."""

from pathlib import Path
from typing import Any

import pytest

from classifier.version_files import read_manifest
from core.errors import DatabaseUnavailableError
from core.settings import Settings
from db import Database, judgings, runs, versions
from db.claims import new_token
from db.run_tables import Run
from tests.support.llm import themed_samples
from tests.support.make import promote_constant
from tests.support.training_runs import (
    ask_for_run,
    lease,
    registered,
    run_of,
    versions_in,
    work_off,
)
from training.gate.verdict import Verdict
from training.runs import comparison, errand, patience
from training.runs.comparison import Judgement
from training.runs.errand import Errand
from training.samples import Sample


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", heartbeat=0.1)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is measured in processes that take seconds to start, latency for seconds."""
    monkeypatch.setattr(comparison, "measure_peaks", lambda *_: (None, None))
    monkeypatch.setattr("training.gate.costs._SPARE_S", 0.0)
    monkeypatch.setattr("training.gate.costs._TICKETS", 20)


def test_the_first_version_is_registered_and_answers(
    database: Database, settings: Settings
) -> None:
    run_id = ask_for_run(database, settings, themed_samples())

    work_off(database, settings, run_id)

    run = run_of(database, run_id)
    assert (run.state, run.error) == ("done", None)
    assert run.snapshot_sha256 is not None
    assert versions_in(settings) == [".run-1", run.version]
    assert registered(database) == [run.version]
    manifest = read_manifest(settings.resolved_models_dir / str(run.version))
    assert manifest.training.samples > 60
    assert manifest.lineage is not None
    assert (manifest.lineage.run, manifest.lineage.parent) == (run.id, None)
    assert manifest.lineage.snapshot == run.snapshot_sha256
    with database.reading() as session:
        assert versions.champion(session) == run.version


def test_the_first_version_waits_where_a_person_is_to_be_asked(
    database: Database, settings: Settings
) -> None:
    run_id = ask_for_run(database, settings, themed_samples())

    work_off(database, settings.model_copy(update={"promote": "ask"}), run_id)

    run = run_of(database, run_id)
    assert run.state == "done"
    assert registered(database) == [run.version]
    with database.reading() as session:
        assert versions.champion(session) is None


def test_a_version_that_the_gate_refuses_is_kept_with_the_verdict(
    database: Database, settings: Settings
) -> None:
    # Given a champion, and nothing that could show that another is no worse
    run_id = ask_for_run(database, settings, themed_samples())
    champion = promote_constant(database, settings.resolved_models_dir)

    work_off(database, settings, run_id)

    run = run_of(database, run_id)
    assert run.state == "refused"
    assert run.verdict is not None
    assert (run.verdict["champion"], run.verdict["promoted"]) == (champion, False)
    assert run.version in registered(database)
    with database.reading() as session:
        assert versions.champion(session) == champion


@pytest.mark.parametrize("promote", ["auto", "ask"])
def test_a_version_that_the_gate_lets_pass_answers_or_waits_for_a_person(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch, promote: str
) -> None:
    # Given a verdict that is about the champion of before, and one about the new one
    run_id = ask_for_run(database, settings, themed_samples())
    champion = promote_constant(database, settings.resolved_models_dir)
    asked: list[str] = []

    def compare(
        _database: Database, _settings: Settings, name: str, _: object, __: object
    ) -> Judgement:
        asked.append(name)
        return Judgement(Verdict("linear-before" if len(asked) == 1 else champion, name, 1, ()))

    monkeypatch.setattr(errand, "compare", compare)

    work_off(database, settings.model_copy(update={"promote": promote}), run_id)

    run = run_of(database, run_id)
    assert run.state == "done"
    assert asked == [run.version, run.version]
    assert run.verdict is not None
    assert run.verdict["champion"] == champion
    with database.reading() as session:
        assert versions.champion(session) == (run.version if promote == "auto" else champion)


def test_a_version_that_cannot_be_judged_is_kept_until_it_can(
    database: Database, settings: Settings
) -> None:
    # Given a champion whose files are away
    run_id = ask_for_run(database, settings, themed_samples())
    folder = settings.resolved_models_dir / promote_constant(database, settings.resolved_models_dir)
    folder.rename(settings.resolved_home / "away")

    work_off(database, settings, run_id)

    run = run_of(database, run_id)
    assert run.state == "failed"
    assert f"{run.version} is kept and not judged: once that is mended" in (run.error or "")
    assert registered(database) == sorted([folder.name, str(run.version)])
    with database.reading() as session:
        assert versions.candidate(session) is None

    # When they are back, it is judged
    (settings.resolved_home / "away").rename(folder)
    with database.writing() as session:
        run = session.get_one(Run, run_id)
        again = judgings.judge_anew(session, run, draw=False, asked_for=runs.HAND, actor="ann")
    work_off(database, settings, again)

    assert run_of(database, again).state == "refused"
    assert run_of(database, again).verdict is not None


def test_what_cannot_be_learned_fails_with_its_reason(
    database: Database, settings: Settings
) -> None:
    run_id = ask_for_run(database, settings, [Sample(f"漏水 {n}", "A") for n in range(20)])

    work_off(database, settings, run_id)

    run = run_of(database, run_id)
    assert run.state == "failed"
    assert "a model needs tickets of at least two units" in (run.error or "")
    assert registered(database) == []
    assert versions_in(settings) == [".run-1"]


def test_what_the_database_always_refuses_fails_a_run_with_its_words(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a query that takes longer than the database lets it
    run_id = ask_for_run(database, settings, themed_samples())

    def snapshot_for(*_: object) -> None:
        raise DatabaseUnavailableError("57014: canceling statement due to statement timeout")

    monkeypatch.setattr(errand, "snapshot_for", snapshot_for)
    monkeypatch.setattr(patience, "MOST_REFUSALS", 3)

    work_off(database, settings, run_id)

    run = run_of(database, run_id)
    assert run.state == "failed"
    assert run.error == "57014: canceling statement due to statement timeout"


def test_an_error_that_nobody_expected_is_told_by_kind_and_place(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("路灯坏了 of 张三")

    monkeypatch.setattr(errand, "train", fail)
    run_id = ask_for_run(database, settings, themed_samples())

    work_off(database, settings, run_id)

    run = run_of(database, run_id)
    assert run.state == "failed"
    assert (run.error or "").startswith("ValueError at ")
    assert "张三" not in (run.error or "")


def test_a_version_that_an_earlier_attempt_made_is_not_made_again(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an attempt that died after it had moved its version to the others
    run_id = ask_for_run(database, settings, themed_samples())
    first = lease(database, settings, run_id)
    monkeypatch.setattr(Errand, "_enter", lambda *_: True)
    first.run()
    monkeypatch.undo()
    made = run_of(database, run_id).version
    with database.writing() as session:
        runs.free_of_holder(session, "t")

    # When the next attempt would only fail at training
    monkeypatch.setattr(errand, "train", lambda *_: pytest.fail("trained again"))
    work_off(database, settings, run_id)

    run = run_of(database, run_id)
    assert (run.state, run.version, run.attempts) == ("done", made, 2)
    assert registered(database) == [made]


@pytest.mark.parametrize("when", ["before", "while it trains"])
def test_an_attempt_whose_lease_is_lost_enters_nothing(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    run_id = ask_for_run(database, settings, themed_samples())
    late = lease(database, settings, run_id)
    really = errand.train

    def take_over() -> None:
        with database.writing() as session:
            runs.free_of_holder(session, "t")
            runs.lease(session, token=new_token(), holder="other", device="gpu", seconds=60)

    def train(*given: Any) -> Any:
        take_over()
        return really(*given)

    if when == "before":
        take_over()
    else:
        monkeypatch.setattr(errand, "train", train)
    late.run()

    run = run_of(database, run_id)
    assert (run.state, run.holder, run.version) == ("running", "other", None)
    assert registered(database) == []
