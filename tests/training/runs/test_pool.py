"""The pool: recent tickets that neither version has learned, whoever decided them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from db import Database, runs, tickets, versions
from db.models import ModelVersion, Ticket
from db.run_tables import Run, RunState
from db.tickets import NewTicket
from tests.support.answers import answer_all
from tests.support.make import add_units
from tests.support.snapshots import add_decided, build, like, samples, text
from training.gate.tickets import text_hash
from training.near_duplicates import Rows
from training.runs import pool as module
from training.runs.pool import read_pool
from training.snapshot.division import draw
from training.snapshot.settings import SnapshotSettings
from training.snapshot.snapshot import Snapshot

SHARE = SnapshotSettings(recent_share=0.4, frozen_share=0.0)
BEFORE, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    """A champion that a run has made, long ago."""
    add_units(database)
    with database.writing() as session:
        session.add(ModelVersion(name="v", kind="linear", manifest_sha256="0", created_at=BEFORE))
        session.flush()
        run_id = runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="ann")
        run = session.get_one(Run, run_id)
        run.state, run.version = RunState.DONE, "v"
        versions.promote(session, "v", actor="test")


def routed(database: Database, numbers: range, at: datetime = BEFORE) -> None:
    """Tickets that the champion routed; nobody decided them."""
    with database.writing() as session:
        new = [NewTicket(external_id=f"r{n}", text=text(n)) for n in numbers]
        ids = tickets.insert(session, new).all_ids
        session.execute(update(Ticket).where(Ticket.id.in_(ids)).values(submitted_at=at))
    answer_all(database, [("A", 0.9, None)] * len(numbers))


def decided(database: Database, numbers: range) -> None:
    ids = add_decided(database, [(text(n), "AB"[n % 2]) for n in numbers])
    with database.writing() as session:
        session.execute(update(Ticket).where(Ticket.id.in_(ids)).values(submitted_at=BEFORE))


def pool(database: Database, snapshot: Snapshot) -> set[str]:
    return {one.text for one in read_pool(database, snapshot, "v")}


def held_back(numbers: range) -> set[str]:
    """The texts whose hash keeps them out of training."""
    return {text(n) for n in numbers if draw("recent", text_hash(text(n))) < SHARE.recent_share}


def test_a_hash_chooses_whether_decided_or_not(database: Database, tmp_path: Path) -> None:
    decided(database, range(100, 200))
    snapshot = build(database, tmp_path, samples(range(40)), SHARE)
    routed(database, range(200, 300))

    found = pool(database, snapshot)

    # One ticket of a unit that nothing else teaches is learned, whatever its hash.
    spared = {one for one in held_back(range(100, 200)) if text_hash(one) in snapshot.learned}
    assert len(spared) <= 2
    assert found == held_back(range(100, 300)) - spared
    assert len(held_back(range(100, 200))) > 20 < len(held_back(range(200, 300)))


def test_all_that_came_after_both_versions_is_recent(database: Database, tmp_path: Path) -> None:
    snapshot = build(database, tmp_path, samples(range(40)), SHARE)
    routed(database, range(100, 150), LATER)

    assert pool(database, snapshot) == {text(n) for n in range(100, 150)}


def test_of_a_champion_without_a_snapshot_only_what_came_later_is_unlearned(
    database: Database, tmp_path: Path
) -> None:
    snapshot = build(database, tmp_path, samples(range(40)), SHARE)
    routed(database, range(100, 150))
    routed(database, range(150, 160), LATER)
    with database.writing() as session:
        session.execute(update(Run).values(version=None))

    assert pool(database, snapshot) == {text(n) for n in range(150, 160)}


def test_near_duplicates_are_one_and_what_is_like_a_learned_ticket_is_none(
    database: Database, tmp_path: Path
) -> None:
    snapshot = build(database, tmp_path, samples(range(40)), SHARE)
    twice, learned = [text(100), like(100)], [like(n) for n in range(40)]
    with database.writing() as session:
        new = [NewTicket(external_id=one, text=one) for one in (*twice, *learned)]
        ids = tickets.insert(session, new).all_ids
        session.execute(update(Ticket).where(Ticket.id.in_(ids)).values(submitted_at=LATER))
    answer_all(database, [("A", 0.9, None)] * len(ids))

    found = pool(database, snapshot)

    taught = {text_hash(text(n)) for n in range(40)} & snapshot.learned
    assert len(found & set(twice)) == 1
    assert not {one for one in found if text_hash(one[:-1]) in taught}


def test_no_transaction_waits_while_groups_are_looked_for(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a database that ends what is idle
    snapshot = build(database, tmp_path, samples(range(40)), SHARE)
    routed(database, range(100, 110), LATER)
    really, opened = module.group_near_duplicates, list[int]()

    def group(texts: Sequence[str]) -> Rows:
        opened.append(database.engine.pool.checkedout())  # type: ignore[attr-defined]
        return really(texts)

    monkeypatch.setattr(module, "group_near_duplicates", group)

    assert len(pool(database, snapshot)) == 10
    assert opened == [0]
