"""What became of versions: refused, never judged, or judged anew."""

import pytest

from db import Database, runs, verdicts, versions
from db.run_tables import Run, RunState


@pytest.fixture
def pair(database: Database) -> None:
    with database.writing() as session:
        for name in ("v", "w"):
            versions.register(session, name=name, kind="linear", manifest_sha256="0", metrics={})
        versions.promote(session, "v", actor="li")


def ended(database: Database, state: RunState, *, judges: int | None = None) -> int:
    """Enter a run that has ended with the version ``w``."""
    with database.writing() as session:
        run_id = runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="li")
        run = session.get_one(Run, run_id)
        run.state, run.version, run.judges = state, "w", judges
    return run_id


def unjudged(database: Database) -> int | None:
    with database.reading() as session:
        found = verdicts.unjudged_run(session, "w")
        return found.id if found else None


def candidate(database: Database) -> str | None:
    with database.reading() as session:
        return versions.candidate(session)


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED])
def test_a_version_whose_run_broke_off_is_no_candidate_until_it_is_judged(
    database: Database, pair: None, state: RunState
) -> None:
    assert (unjudged(database), candidate(database)) == (None, "w")  # nobody knows of a run

    made = ended(database, state)
    assert (unjudged(database), candidate(database)) == (made, None)
    with database.reading() as session:
        assert verdicts.held_back(session) == {"w"}

    ended(database, state, judges=made)  # a look that came to no end
    assert (unjudged(database), candidate(database)) == (made, None)

    ended(database, RunState.DONE, judges=made)
    assert (unjudged(database), candidate(database)) == (None, "w")


def test_a_look_that_comes_to_no_end_leaves_a_version_as_it_was(
    database: Database, pair: None
) -> None:
    made = ended(database, RunState.DONE)

    ended(database, RunState.CANCELLED, judges=made)

    assert (unjudged(database), candidate(database)) == (None, "w")


def test_verdicts_on_a_champion_are_counted_and_the_last_one_counts(
    database: Database, pair: None
) -> None:
    for state, promoted in ((RunState.REFUSED, False), (RunState.DONE, True)):
        run_id = ended(database, state)
        with database.writing() as session:
            session.get_one(Run, run_id).verdict = {"champion": "v", "promoted": promoted}
            refused = verdicts.refused_run(session, "w")
            assert (refused is None) is promoted

    with database.reading() as session:
        assert verdicts.count_verdicts(session, "v") == 2
        assert verdicts.count_verdicts(session, "w") == 0
