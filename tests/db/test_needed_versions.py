"""What the record says of versions that something needs."""

from collections.abc import Sequence

import pytest
from sqlalchemy.orm import Session

from db import Database, draws, needed_versions, runs, shadow, versions, workers
from db.models import AliasMove, Worker
from db.run_tables import Run, RunState

NAMES = ("v1", "v2", "v3", "v4", "v5")


@pytest.fixture
def session(database: Database) -> Session:  # type: ignore[misc]
    """A writing session of a record with five versions, of which three were champion in turn."""
    with database.writing() as session:
        enter(session, NAMES)
        for name in NAMES[:3]:
            versions.promote(session, name, actor="li")
        yield session  # type: ignore[misc]


def enter(session: Session, names: Sequence[str]) -> None:
    for name in names:
        versions.register(session, name=name, kind="linear", manifest_sha256="00", metrics={})


def needed(session: Session, keep: int = 1) -> dict[str, str]:
    return needed_versions.needed(session, keep=keep)


def a_run(session: Session, **values: object) -> None:
    run_id = runs.ask(session, "llm", {}, asked_for=runs.HAND, actor="li")
    run = session.get_one(Run, run_id)
    for column, value in values.items():
        setattr(run, column, value)
    session.flush()


def test_champion_candidate_and_so_many_champions_before_are_needed(session: Session) -> None:
    assert needed(session, keep=1) == {
        "v3": "champion",
        "v2": "a rollback returns to it",
        "v5": "candidate",
    }
    assert "v1" in needed(session, keep=2)
    assert needed(session, keep=0).keys() == {"v3", "v5"}


def test_a_rollback_counts_from_where_it_ended(session: Session) -> None:
    versions.rollback(session, actor="li")

    assert needed(session) == {
        "v2": "champion",
        "v1": "a rollback returns to it",
        "v5": "candidate",
    }


def test_any_other_alias_keeps_its_version(session: Session) -> None:
    session.add(AliasMove(alias="shadow", model_version="v4", previous_id=None, actor="li"))
    session.flush()

    assert needed(session)["v4"] == "shadow"


def test_the_best_champion_so_far_is_needed_to_judge_challengers(session: Session) -> None:
    frozen = {"check": "frozen", "tickets": 100, "both": 80, "lost": 10, "gained": 5}
    verdict = {"champion": "v1", "challenger": "v3", "findings": [frozen]}
    a_run(session, state=RunState.DONE, version="v3", verdict=verdict)

    assert needed(session, keep=0)["v1"].startswith("it is the best champion so far")


def test_what_people_are_asked_about_is_needed(session: Session) -> None:
    a_run(session, version="v4", state=RunState.DONE)
    run = runs.newest(session)
    assert run is not None
    draws.enter(session, run.id, champion="v3", share=0.1, tickets=())
    assert needed(session)["v4"] == "people are asked about its answers"

    versions.promote(session, "v5", actor="li")
    assert "v4" not in needed(session)


def test_what_answers_in_the_shadow_is_needed(session: Session) -> None:
    shadow.start(session, "v4", 0.1, actor="li")
    assert needed(session)["v4"] == "it answers in the shadow"

    shadow.stop(session, actor="li")
    assert "v4" not in needed(session)


def test_what_a_worker_answers_with_is_needed_until_it_stops_or_is_silent_for_long(
    session: Session,
) -> None:
    workers.started(session, name="w", pid=1, device="cpu")
    workers.beat(session, name="w", model_version="v1", classified=0, progress_age=None)
    assert needed(session)["v1"] == "worker w answers with it"

    workers.stopped(session, "w")
    assert "v1" not in needed(session)

    worker = session.get_one(Worker, "w")
    worker.stopped_at = None
    worker.heartbeat_at = worker.heartbeat_at.replace(year=2020)
    session.flush()
    session.expire_all()
    assert "v1" not in needed(session)


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"state": RunState.QUEUED, "parameters": {"teachers": ["v1"]}}, True),
        ({"state": RunState.RUNNING, "version": "v1"}, True),
        ({"state": RunState.DONE, "version": "v1"}, False),
    ],
)
def test_what_a_run_under_way_names_is_needed(
    session: Session, values: dict[str, object], kept: bool
) -> None:
    a_run(session, **values)

    assert ("v1" in needed(session)) is kept


def test_a_snapshot_goes_with_the_last_version_that_was_made_from_it(session: Session) -> None:
    a_run(session, state=RunState.DONE, version="v1", snapshot_sha256="aa")
    a_run(session, state=RunState.DONE, version="v2", snapshot_sha256="aa")
    a_run(session, state=RunState.DONE, version="v4", snapshot_sha256="bb")
    a_run(session, state=RunState.DONE, version="v1", snapshot_sha256="cc")
    a_run(session, state=RunState.QUEUED, snapshot_sha256="cc")
    needed_versions.mark_pruned(session, ["v1"], actor="li")

    assert needed_versions.unneeded_snapshots(session, []) == frozenset()
    assert needed_versions.unneeded_snapshots(session, ["v2", "v4"]) == {"aa", "bb"}


def test_a_version_is_marked_once_with_who_did_it(session: Session) -> None:
    needed_versions.mark_pruned(session, ["v1"], actor="li")
    session.expire_all()
    marked = versions.get_version(session, "v1").pruned_at

    needed_versions.mark_pruned(session, ["v1"], actor="zhang")

    session.expire_all()
    assert versions.get_version(session, "v1").pruned_at == marked is not None
