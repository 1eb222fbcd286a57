"""Results: written once a ticket, version and round, and only by whoever holds the claim."""

import pytest
from sqlalchemy import select

from db import Database, calibrations, claims, results
from db.models import Classification, ModelVersion, Status, Ticket
from db.results import Result, is_sampled
from tests.support.make import add_tickets, add_units, claim_batch


@pytest.fixture(autouse=True)
def _versions(database: Database) -> None:
    add_units(database)
    with database.writing() as session:
        session.add_all(
            ModelVersion(name=name, kind="constant", manifest_sha256="0" * 64) for name in "vw"
        )


def answer(ticket: int, unit: str = "A", held_back: str | None = None, round_: int = 0) -> Result:
    sets = [(0.9, [unit]), (0.95, [unit, "C"])]
    return Result(ticket, round_, unit, 0.75, [(unit, 0.75), ("C", 0.25)], held_back, sets)


def test_sure_answers_are_routed_and_doubtful_ones_go_to_review(database: Database) -> None:
    sure, doubtful = add_tickets(database, 2)
    claim = claim_batch(database)

    with database.writing() as session:
        stored = results.store(
            session, claim.token, [answer(sure), answer(doubtful, "B", "doubtful")], version="v"
        )

    assert stored == [sure, doubtful]
    with database.reading() as session:
        rows = {t.id: t for t in session.scalars(select(Ticket))}
    assert (rows[sure].status, rows[sure].unit_code) == (Status.ROUTED, "A")
    assert rows[sure].decided_at is not None
    assert (rows[doubtful].status, rows[doubtful].unit_code) == (Status.REVIEW, None)
    assert rows[doubtful].decided_at is None
    assert {row.claim_token for row in rows.values()} == {None}


def test_the_answer_is_kept_with_its_top_k_and_sets(database: Database) -> None:
    [only] = add_tickets(database, 1)
    claim = claim_batch(database)

    with database.writing() as session:
        results.store(session, claim.token, [answer(only, held_back="doubtful")], version="v")

    with database.reading() as session:
        [row] = session.scalars(select(Classification)).all()
    assert (row.ticket_id, row.unit_code, row.probability) == (only, "A", 0.75)
    assert row.top_k == [["A", 0.75], ["C", 0.25]]
    assert row.sets == {"0.9": ["A"], "0.95": ["A", "C"]}
    assert (row.held_back, row.model_version, row.degraded) == ("doubtful", "v", False)


def test_an_answer_names_the_calibration_it_was_decided_by(database: Database) -> None:
    [only] = add_tickets(database, 1)
    with database.writing() as session:
        moved = calibrations.put(session, "v", {}, {}, actor="li")
    found = []
    for calibration in (moved.now, None):  # None: the version's own
        claim = claim_batch(database)
        with database.writing() as session:
            results.store(
                session, claim.token, [answer(only)], version="v", calibration=calibration
            )
            row = session.get_one(Ticket, only)
            row.status = Status.QUEUED
            found.append(session.scalars(select(Classification.calibration_id)).one())

    assert moved.now is not None
    assert found == [moved.now, None]


def test_a_result_under_a_lost_claim_changes_nothing(database: Database) -> None:
    [only] = add_tickets(database, 1)
    lost = claim_batch(database)
    with database.writing() as session:
        claims.hand_back(session, lost.token)
    held = claim_batch(database)

    with database.writing() as session:
        assert results.store(session, lost.token, [answer(only)], version="v") == []

    with database.reading() as session:
        assert session.scalars(select(Classification)).all() == []
        row = session.get(Ticket, only)
        assert row is not None
        assert (row.status, row.claim_token) == (Status.QUEUED, held.token)


def test_the_same_version_answers_a_round_once_another_beside_it(database: Database) -> None:
    [only] = add_tickets(database, 1)
    for version, unit in (("v", "A"), ("v", "B"), ("w", "C")):
        with database.writing() as session:
            row = session.get(Ticket, only)
            assert row is not None
            row.status = Status.QUEUED
        claim = claim_batch(database)
        with database.writing() as session:
            results.store(session, claim.token, [answer(only, unit)], version=version)

    with database.reading() as session:
        query = select(Classification.model_version, Classification.unit_code)
        found = session.execute(query.order_by(Classification.model_version)).all()
    assert found == [("v", "B"), ("w", "C")]


def test_the_blind_sample_holds_sure_answers_back(database: Database) -> None:
    ids = add_tickets(database, 40)
    claim = claim_batch(database)

    with database.writing() as session:
        results.store(
            session, claim.token, [answer(i) for i in ids], version="v", review_sample=0.5
        )

    with database.reading() as session:
        held = set(
            session.scalars(
                select(Classification.ticket_id).where(Classification.held_back == "sample")
            )
        )
    assert held == {i for i in ids if is_sampled(i, 0.5)}
    assert 0 < len(held) < len(ids)


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (1.0, 1000)])
def test_a_sample_of_nothing_or_all_is_exact(share: float, expected: int) -> None:
    assert sum(is_sampled(i, share) for i in range(1000)) == expected
