"""The registry: versions, and the champion alias that walks forth and back through them."""

import pytest
from sqlalchemy import func, select

from core.errors import ModelVersionError
from db import Database, needed_versions, runs, versions
from db.models import AliasMove, Event
from db.run_tables import Run, RunState
from db.versions import Moved


def register(database: Database, *names: str) -> None:
    with database.writing() as session:
        for name in names:
            versions.register(
                session, name=name, kind="constant", manifest_sha256="0" * 64, metrics={"n": 1}
            )


def promote(database: Database, name: str) -> Moved:
    with database.writing() as session:
        return versions.promote(session, name, actor="li")


def rollback(database: Database) -> Moved:
    with database.writing() as session:
        target = versions.rollback_target(session)
        moved = versions.rollback(session, actor="li")
    assert moved.now == target  # what was announced is what happens
    return moved


def champion(database: Database) -> str | None:
    with database.reading() as session:
        return versions.champion(session)


def moves(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(AliasMove)) or 0


@pytest.fixture(autouse=True)
def _versions(database: Database) -> None:
    register(database, "a", "b", "c", "d")


def test_before_the_first_promotion_there_is_no_champion(database: Database) -> None:
    assert champion(database) is None
    with pytest.raises(ModelVersionError, match="no earlier champion"):
        rollback(database)


def test_promoting_moves_the_champion_and_leaves_a_trace(database: Database) -> None:
    assert promote(database, "a") == Moved(None, "a")
    assert promote(database, "b") == Moved("a", "b")

    assert champion(database) == "b"
    with database.reading() as session:
        events = session.execute(select(Event.kind, Event.actor, Event.data).order_by(Event.id))
        assert [tuple(row) for row in events] == [
            ("model.promoted", "li", {"before": None, "now": "a"}),
            ("model.promoted", "li", {"before": "a", "now": "b"}),
        ]


def test_promoting_the_champion_again_is_no_new_move(database: Database) -> None:
    promote(database, "a")
    promote(database, "b")

    assert promote(database, "b") == Moved("b", "b")

    assert moves(database) == 2
    assert rollback(database) == Moved("b", "a")  # and not to itself


def test_rollbacks_walk_back_through_history_to_its_beginning(database: Database) -> None:
    for name in ("a", "b", "c"):
        promote(database, name)

    assert rollback(database) == Moved("c", "b")
    assert rollback(database) == Moved("b", "a")

    with pytest.raises(ModelVersionError, match="no earlier champion to roll back to"):
        rollback(database)
    assert champion(database) == "a"
    assert moves(database) == 5  # rollbacks are moves too: history only grows


def test_a_promotion_after_a_rollback_goes_back_to_what_served_before_it(
    database: Database,
) -> None:
    for name in ("a", "b", "c"):
        promote(database, name)
    rollback(database)

    promote(database, "d")

    assert [rollback(database).now, rollback(database).now] == ["b", "a"]


def test_a_version_promoted_twice_over_time_is_two_steps_of_history(database: Database) -> None:
    for name in ("a", "b", "a"):
        promote(database, name)

    assert [rollback(database).now, rollback(database).now] == ["b", "a"]
    with pytest.raises(ModelVersionError):
        rollback(database)


def test_an_unknown_version_is_refused_and_the_known_ones_are_named(database: Database) -> None:
    promote(database, "a")

    with pytest.raises(ModelVersionError, match=r"no model version 'x' .*there are: a, b, c, d"):
        promote(database, "x")

    assert champion(database) == "a"


def test_without_any_version_the_error_says_how_to_make_one(database: Database) -> None:
    with database.writing() as session:
        for version in versions.list_versions(session):
            session.delete(version)

    with pytest.raises(ModelVersionError, match="none yet: train one with 'paidan train'"):
        promote(database, "x")


def test_registering_again_leaves_the_version_as_it_was(database: Database) -> None:
    with database.writing() as session:
        versions.register(
            session, name="a", kind="linear", manifest_sha256="1" * 64, metrics={"n": 2}
        )

    with database.reading() as session:
        version = versions.get_version(session, "a")
        assert (version.kind, version.manifest_sha256, version.metrics) == (
            "constant",
            "0" * 64,
            {"n": 1},
        )
        assert [v.name for v in versions.list_versions(session)] == ["a", "b", "c", "d"]


def candidate(database: Database) -> str | None:
    with database.reading() as session:
        return versions.candidate(session)


def test_the_candidate_is_the_newest_that_was_never_champion(database: Database) -> None:
    register(database, "v1", "v2")
    assert candidate(database) == "v2"

    promote(database, "v2")
    assert candidate(database) is None  # the first is older than the champion

    register(database, "v3", "v4")
    assert candidate(database) == "v4"

    promote(database, "v4")
    rollback(database)
    assert candidate(database) == "v3"  # the fourth had its turn


def test_a_version_that_the_gate_refused_is_no_candidate(database: Database) -> None:
    register(database, "v1", "v2")
    with database.writing() as session:
        run_id = runs.ask(session, "llm", {}, asked_for=runs.HAND, actor="li")
        run = session.get_one(Run, run_id)
        run.state, run.version = RunState.REFUSED, "v2"

    assert candidate(database) == "v1"


def test_a_version_is_named_by_its_alias_or_as_it_is_called(database: Database) -> None:
    register(database, "v1", "v2")
    promote(database, "v1")

    with database.reading() as session:
        found = [versions.named(session, word) for word in ("champion", "candidate", "v2", "v9")]
    assert found == ["v1", "v2", "v2", "v9"]

    promote(database, "v2")
    with (
        database.reading() as session,
        pytest.raises(ModelVersionError, match="there is no candidate"),
    ):
        versions.named(session, "candidate")


def test_a_pruned_version_is_in_the_list_and_nothing_else(database: Database) -> None:
    register(database, "v1", "v2")
    promote(database, "v1")
    with database.writing() as session:
        needed_versions.mark_pruned(session, ["v2"], actor="li")

    assert candidate(database) is None
    with pytest.raises(ModelVersionError, match="v2 was pruned on"):
        promote(database, "v2")
    with database.reading() as session:
        assert [version.name for version in versions.list_versions(session)][-2:] == ["v1", "v2"]


def test_linear_versions_stand_in_for_an_llm_the_newest_first(database: Database) -> None:
    register(database, "c1")
    with database.writing() as session:
        for name in ("l1", "l2", "l3"):
            versions.register(session, name=name, kind="linear", manifest_sha256="0", metrics={})
        needed_versions.mark_pruned(session, ["l3"], actor="li")

    with database.reading() as session:
        assert versions.baselines(session) == ["l2", "l1"]
