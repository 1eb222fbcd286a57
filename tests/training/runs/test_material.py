"""What a run learns from: a snapshot, the same in each attempt."""

import shutil
from pathlib import Path

import pytest

from core.errors import SnapshotError
from core.settings import Settings
from db import Database, corrections, runs, taxonomy
from db.models import Ticket
from db.run_tables import Run
from db.taxonomy import UnitRecord
from tests.support.llm import themed_samples
from tests.support.make import add_tickets, promote_constant
from tests.support.training_runs import ask_for_run, run_of
from training.progress import SILENT
from training.runs.material import snapshot_for
from training.runs.wish import Wish
from training.snapshot.snapshot import Snapshot
from training.snapshot.store import snapshots_in


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def take(database: Database, settings: Settings, run: Run) -> Snapshot:
    return snapshot_for(database, settings, run, Wish.of(run.parameters), SILENT)


def decide(database: Database, count: int) -> None:
    add_tickets(database, count)
    with database.writing() as session:
        for ticket in session.query(Ticket).all():
            corrections.decide(session, ticket, "B", actor="ann")


def test_seed_and_decisions_are_learned_from_together(
    database: Database, settings: Settings
) -> None:
    run_id = ask_for_run(database, settings, themed_samples())
    decide(database, 1)

    snapshot = take(database, settings, run_of(database, run_id))

    report = snapshot.manifest.report
    assert sum(map(len, snapshot.parts.values())) == 121, report
    assert len(snapshot.frozen) > 0
    assert [unit.code for unit in snapshot.units] == ["A", "B", "C"]


def test_a_later_attempt_learns_from_the_same(database: Database, settings: Settings) -> None:
    # Given a first attempt
    run_id = ask_for_run(database, settings, themed_samples())
    first = take(database, settings, run_of(database, run_id))
    with database.writing() as session:
        session.get_one(Run, run_id).snapshot_sha256 = first.sha256

    # When decisions and units come between
    decide(database, 3)
    with database.writing() as session:
        taxonomy.import_units(session, [UnitRecord("D", "丁局")], actor="ann")
    second = take(database, settings, run_of(database, run_id))

    assert second.sha256 == first.sha256
    # And where the snapshot is gone, a new one takes its place
    shutil.rmtree(first.path)
    assert take(database, settings, run_of(database, run_id)).sha256 != first.sha256


def test_what_the_champion_may_have_learned_judges_nothing(
    database: Database, settings: Settings
) -> None:
    # Given a champion that no run has made
    run_id = ask_for_run(database, settings, themed_samples())
    champion = promote_constant(database, settings.resolved_models_dir)

    snapshot = take(database, settings, run_of(database, run_id))
    assert (len(snapshot.frozen), len(snapshot.recent)) == (0, 0)

    # When it was made by a run, then its seed's frozen part is unknown to it
    shutil.rmtree(snapshots_in(settings.resolved_models_dir) / snapshot.path.name)
    with database.writing() as session:
        made = runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="ann")
        session.get_one(Run, made).version = champion
    assert len(take(database, settings, run_of(database, run_id)).frozen) > 0


def test_a_seed_that_is_not_here_is_missed(database: Database, settings: Settings) -> None:
    with database.writing() as session:
        wish = {"seed": "0" * 64}
        run_id = runs.ask(session, "linear", wish, asked_for=runs.HAND, actor="ann")

    with pytest.raises(SnapshotError, match="missing"):
        take(database, settings, run_of(database, run_id))


def test_what_people_decided_before_such_a_champion_judges_nothing_and_later_ones_do(
    database: Database, settings: Settings
) -> None:
    # Given decisions, then a champion that may have learned them, then more decisions
    everything = settings.model_copy(update={"frozen_share": 0.0, "recent_share": 0.9})
    run_id = ask_for_run(database, everything, themed_samples())
    before = add_tickets(database, 30, source="before")
    decide_all(database, before)
    promote_constant(database, everything.resolved_models_dir)
    after = add_tickets(database, 30, source="after")
    decide_all(database, after)

    snapshot = take(database, everything, run_of(database, run_id))

    judging = {row.ticket for row in snapshot.parts["recent"]}
    assert judging
    assert judging <= set(after)


def decide_all(database: Database, ids: list[int]) -> None:
    """Let people decide tickets of texts of their own."""
    with database.writing() as session:
        for number, ticket in enumerate(session.get_one(Ticket, one) for one in ids):
            ticket.text = f"{ticket.source} {number * 7919} {chr(0x4E00 + 37 * ticket.id)} 路灯"
            corrections.decide(session, ticket, "ABC"[number % 3], actor="ann")
