"""Attempts: what is counted, given back, or owed while the database is away."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from core.errors import DatabaseUnavailableError
from db import Database, claims
from db.batch import Budget
from db.claims import Claim
from tests.support.away import gone, unanswered
from tests.support.make import add_tickets
from tests.support.record import attempts, statuses
from worker.attempts import Attempts

FREE = (0, None, False)


@pytest.fixture
def mine(database: Database) -> Attempts:
    return Attempts(database, "w", 60)


def claim_all(mine: Attempts) -> Claim:
    return mine.claim(partial(claims.claim, own_ids=(), lane="bulk", budget=Budget(10_000, 10)))


@contextmanager
def away(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database cannot be reached in this block."""
    with monkeypatch.context() as patch:
        patch.setattr(database, "writing", gone)
        yield


def test_a_claim_counts_an_attempt_and_its_return_takes_that_back(
    mine: Attempts, database: Database
) -> None:
    add_tickets(database, 2)

    claim = claim_all(mine)
    assert attempts(database) == [(1, claim.token, False)] * 2

    mine.hand_back(claim.token)
    assert attempts(database) == [FREE] * 2


def test_a_failed_attempt_stays_and_its_ticket_runs_alone_or_is_dead(
    mine: Attempts, database: Database
) -> None:
    add_tickets(database, 1)

    mine.fail(claim_all(mine), "it cannot be classified: ValueError", max_attempts=2)
    assert attempts(database) == [(1, None, True)]

    mine.fail(mine.claim(claims.claim_solo), "it cannot be classified: ValueError", max_attempts=2)
    assert statuses(database) == ["dead"]


def test_a_claim_that_cannot_be_given_back_is_owed_until_it_can(
    mine: Attempts, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_tickets(database, 1)
    claim = claim_all(mine)

    with away(database, monkeypatch):
        mine.hand_back(claim.token)
        with pytest.raises(DatabaseUnavailableError):
            mine.release_owed()  # and it stays owed
    assert attempts(database) == [(1, claim.token, False)]

    mine.release_owed()
    assert attempts(database) == [FREE]


def test_a_claim_whose_commit_was_not_answered_is_owed_by_the_token_made_before(
    mine: Attempts, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a database that commits and is gone before it says so
    add_tickets(database, 1)

    with monkeypatch.context() as patch:
        patch.setattr(database, "writing", unanswered(database))
        with pytest.raises(DatabaseUnavailableError):
            claim_all(mine)
    assert [row[0] for row in attempts(database)] == [1]

    # When what is owed is released
    mine.release_owed()

    # Then the ticket has its attempt back
    assert attempts(database) == [FREE]
