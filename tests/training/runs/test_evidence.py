"""Evidence: the snapshot's tickets, and what people said of drawn disagreements."""

from pathlib import Path

import pytest

from db import Database, corrections, draws
from db.models import Ticket
from db.provenance import Asked
from db.taxonomy import UnitRecord
from tests.support.answers import answer_all
from tests.support.draws import ended_run, put_draw, register_pair
from tests.support.make import UNITS, add_tickets, add_units
from tests.support.snapshots import add_decided, build, samples, text
from tests.support.units import load
from training.gate.judging import Evidence
from training.runs.evidence import gather
from training.snapshot.snapshot import Snapshot


@pytest.fixture
def snapshot(database: Database, tmp_path: Path) -> Snapshot:
    add_units(database)
    return build(database, tmp_path, samples(range(40)))


def gathered(database: Database, snapshot: Snapshot) -> Evidence:
    with database.reading() as session:
        return gather(session, snapshot, draws.open_draw(session))


def test_without_a_draw_the_snapshot_judges(database: Database, snapshot: Snapshot) -> None:
    found = gathered(database, snapshot)

    assert (found.frozen, found.recent) == (snapshot.frozen, snapshot.recent)
    assert (found.disagreements, found.share, found.unseen) == ((), None, 0)


def test_a_single_sure_ticket_that_nobody_drew_counts(database: Database, tmp_path: Path) -> None:
    # Given a routed ticket among decided ones, half of which are held back
    register_pair(database)
    add_units(database)
    add_decided(database, [(text(n), "AB"[n % 2]) for n in range(20)])
    add_tickets(database, 1)
    answer_all(database, [("A", 0.9, None)])
    add_decided(database, [(text(n), "AB"[n % 2]) for n in range(20, 40)])

    found = gathered(database, build(database, tmp_path))

    assert found.recent
    assert found.unseen == 1


def test_blind_answers_judge_under_the_units_of_now(database: Database, snapshot: Snapshot) -> None:
    # Given three drawn tickets, of which one is answered with a unit that is merged since, one with
    # a unit that is gone, and one not yet
    register_pair(database)
    add_tickets(database, 3)
    ids = answer_all(database, [("A", 0.9, None)] * 3)
    put_draw(database, ended_run(database, "w"), ids)
    for ticket, unit in zip(ids, "AC", strict=False):
        with database.writing() as session:
            found = session.get_one(Ticket, ticket)
            corrections.decide(session, found, unit, actor="li", asked=Asked.DISAGREEMENT)
    load(database, UnitRecord("A", UNITS["A"], status="merged", merged_into="B"))
    load(database, UnitRecord("C", UNITS["C"], status="retired"))

    evidence = gathered(database, snapshot)

    assert [(one.unit, one.asked) for one in evidence.disagreements] == [("B", "disagreement")]
    assert evidence.share == 0.1
