"""The feed: what is claimed next, and what ends it."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import update

from core.settings import Settings
from db import Database, tickets, versions
from db.models import Ticket
from tests.support.calibrations import put_calibration
from tests.support.make import add_tickets, new_ticket, promote_constant
from tests.support.record import claimed
from worker.feed import BatchFeed
from worker.loop import ClaimLoop


@pytest.fixture
def feed(loop: ClaimLoop) -> BatchFeed:
    """A feed of batches of two, for a message of the bulk lane without ids of its own."""
    classifier = loop.resident.refresh()
    assert classifier is not None
    return BatchFeed(
        loop.attempts,
        loop.resident,
        classifier,
        lane="bulk",
        ids=(),
        max_batch=2,
        is_over=lambda: False,
    )


def sizes(feed: BatchFeed) -> Iterator[int]:
    for batch in feed:
        yield len(batch.texts)


def test_nothing_is_claimed_before_it_is_asked_for(feed: BatchFeed, database: Database) -> None:
    ids = add_tickets(database, 5)
    batches = sizes(feed)
    assert claimed(database) == []

    assert next(batches) == 2
    assert claimed(database) == ids[:2]

    assert list(batches) == [2, 1]
    assert claimed(database) == ids
    assert len(feed.under_way) == 3  # none was answered
    assert feed.is_done


def test_a_live_message_is_done_with_its_own_ids(feed: BatchFeed, database: Database) -> None:
    ids = add_tickets(database, 5, lane="live")
    feed.lane, feed.left = "live", set(ids[:2])

    assert list(sizes(feed)) == [2]
    assert (feed.is_done, feed.left) == (True, set())


def test_a_message_whose_time_is_up_ends_with_the_batch_at_hand(
    feed: BatchFeed, database: Database
) -> None:
    add_tickets(database, 5)
    feed.is_over = lambda: True

    assert list(sizes(feed)) == [2]
    assert not feed.is_done


def test_a_solo_ticket_comes_before_the_next_batch(feed: BatchFeed, database: Database) -> None:
    ids = add_tickets(database, 5)
    with database.writing() as session:
        session.execute(update(Ticket).where(Ticket.id == ids[4]).values(solo=True))

    assert list(sizes(feed)) == [2]
    assert not feed.is_done


def test_a_new_champion_comes_before_the_next_batch(
    feed: BatchFeed, database: Database, settings: Settings
) -> None:
    ids = add_tickets(database, 5)
    batches = sizes(feed)
    assert next(batches) == 2
    promote_constant(database, settings.resolved_models_dir, ("B", "B", "A"))

    assert list(batches) == []
    assert claimed(database) == ids[:2]
    assert not feed.is_done


def move_champion(database: Database, settings: Settings) -> None:
    promote_constant(database, settings.resolved_models_dir, ("B", "B", "A"))


def recalibrate(database: Database, settings: Settings) -> None:
    del settings
    with database.reading() as session:
        version = versions.champion(session)
    assert version is not None
    put_calibration(database, version, threshold=0.9)


@pytest.mark.parametrize("change", [move_champion, recalibrate])
def test_what_is_submitted_after_a_change_waits_for_it_however_late_the_claim_looks(
    change: Callable[[Database, Settings], None],
    feed: BatchFeed,
    database: Database,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a change, and a ticket after it, between the last look before a claim and the claim
    def change_then_submit(*_: object) -> bool:
        change(database, settings)
        with database.writing() as session:
            tickets.insert(session, [new_ticket(99)])
        return False

    ids = add_tickets(database, 2)
    monkeypatch.setattr("db.claims.has_solo", change_then_submit)

    # Then that ticket is not claimed for the model before
    assert list(sizes(feed)) == [2]
    assert claimed(database) == ids
    assert not feed.is_done


def test_what_claiming_raises_is_kept_as_no_fault_of_the_models(
    feed: BatchFeed, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("a column")

    monkeypatch.setattr("db.claims.claim", broken)

    with pytest.raises(KeyError) as caught:
        list(feed)

    assert feed.fault is caught.value
