"""The relay: what Redis or a worker lost is published again, and nothing twice."""

from itertools import chain

import pytest
from sqlalchemy import select, update

from core.broker import queue_name
from core.publisher import Publisher
from core.settings import Settings
from db import Database, claims, tickets
from db.claims import Claim
from db.models import Event, Status, Ticket
from producer.relay import Relay
from producer.submit import Submitter
from tests.support.make import add_tickets, claim_batch, let_wait, messages, new_ticket
from tests.support.shadow import put_in_shadow
from worker.loop import ClaimLoop

NOTHING = {"freed": 0, "dead": 0, "live": 0, "bulk": 0}


@pytest.fixture
def relay(database: Database, publisher: Publisher, settings: Settings) -> Relay:
    return Relay(database, publisher, settings)


def take(database: Database, *, seconds: float) -> Claim:
    """Claim what waits, alone what must run alone; one of negative seconds has run out already."""
    claim = claim_batch(database, seconds=seconds)
    if claim.ids:
        return claim
    with database.writing() as session:
        return claims.claim_solo(session, token=claims.new_token(), worker="w", seconds=seconds)


def row_of(database: Database, ticket: int) -> Ticket:
    with database.reading() as session:
        return session.get_one(Ticket, ticket)


def test_expired_claims_are_freed_their_attempt_counts_and_they_run_alone(
    relay: Relay, database: Database
) -> None:
    expired = add_tickets(database, 2)
    take(database, seconds=-1)
    [kept] = Submitter(database, relay.publisher, ()).submit([new_ticket(9)]).ids
    claim = take(database, seconds=60)
    assert claim.ids == [kept]

    assert relay.sweep() == {**NOTHING, "freed": 2}

    for ticket in expired:
        row = row_of(database, ticket)
        assert (row.status, row.claim_token, row.attempts, row.solo) == ("queued", None, 1, True)
    assert row_of(database, kept).claim_token == claim.token


def test_a_freed_ticket_is_published_once_it_has_waited_a_sweep(
    relay: Relay, database: Database, publisher: Publisher
) -> None:
    tickets = add_tickets(database, 2)
    take(database, seconds=-1)
    assert relay.sweep() == {**NOTHING, "freed": 2}

    let_wait(database, relay.settings.relay_sweep + 1)

    assert relay.sweep() == {**NOTHING, "bulk": 2}
    assert messages(publisher, "bulk") == [tickets]


def test_a_ticket_whose_attempts_are_used_up_is_dead_with_an_event(
    relay: Relay, database: Database
) -> None:
    [ticket] = add_tickets(database, 1)
    for attempt in range(1, relay.settings.max_attempts + 1):
        assert row_of(database, ticket).status == Status.QUEUED
        assert take(database, seconds=-1).ids == [ticket]
        last = attempt == relay.settings.max_attempts
        assert relay.sweep() == {**NOTHING, "freed": 1, "dead": int(last)}

    row = row_of(database, ticket)
    assert (row.status, row.attempts) == (Status.DEAD, 3)
    assert row.dead_reason is not None
    assert row.dead_reason.startswith("3 attempts: its claim expired")
    with database.reading() as session:
        [event] = session.scalars(select(Event))
    assert (event.kind, event.ticket_id) == ("ticket.dead", ticket)
    assert "claim expired" in event.data["reason"]
    let_wait(database)
    assert relay.sweep() == NOTHING  # and stays so


def test_a_dry_lane_is_refilled_and_a_lane_with_messages_is_not(
    relay: Relay, database: Database, publisher: Publisher
) -> None:
    result = Submitter(database, publisher, ()).submit([new_ticket(n) for n in range(3)])
    live = Submitter(database, publisher, ()).submit([new_ticket(9, lane="live")])
    publisher.redis.delete(queue_name("live"))
    let_wait(database)

    assert relay.sweep() == {**NOTHING, "live": 1}

    assert messages(publisher, "live") == [live.ids]
    assert messages(publisher, "bulk") == [result.ids]


def test_a_refill_takes_the_urgent_first_and_those_that_run_alone_last(
    relay: Relay, database: Database, publisher: Publisher
) -> None:
    alone, routine, urgent = add_tickets(database, 3)
    with database.writing() as session:
        session.execute(update(Ticket).where(Ticket.id == alone).values(solo=True, priority=1))
        session.execute(update(Ticket).where(Ticket.id == urgent).values(priority=1))
    let_wait(database)

    relay.sweep()

    assert messages(publisher, "bulk") == [[urgent, routine, alone]]


def test_fresh_rows_are_left_to_whoever_committed_them(
    relay: Relay, database: Database, publisher: Publisher
) -> None:
    add_tickets(database, 3)

    assert relay.sweep() == NOTHING

    assert messages(publisher, "bulk") == []


def test_claimed_and_closed_rows_are_not_published(relay: Relay, database: Database) -> None:
    routed, review, dead, _claimed = add_tickets(database, 4)
    for ticket, status in ((routed, "routed"), (review, "review"), (dead, "dead")):
        with database.writing() as session:
            session.execute(update(Ticket).where(Ticket.id == ticket).values(status=status))
    take(database, seconds=60)
    let_wait(database)

    assert relay.sweep() == NOTHING


def test_a_long_backlog_is_published_bit_by_bit_and_nothing_twice(
    database: Database, publisher: Publisher, settings: Settings
) -> None:
    small = settings.model_copy(update={"message_ids": 10})
    relay = Relay(database, Publisher(small), small)
    backlog = add_tickets(database, 1500)
    let_wait(database)

    published: list[int] = []
    for size in (640, 640, 220, 0):
        assert relay.sweep() == {**NOTHING, "bulk": size}
        assert relay.sweep() == NOTHING  # the lane leads to them all
        waiting = messages(publisher, "bulk")
        assert len(waiting) == size / 10 <= 64
        published += [ticket for ids in waiting for ticket in ids]
        with database.writing() as session:  # a worker does them
            session.execute(update(Ticket).where(Ticket.id.in_(published)).values(status="routed"))
        publisher.redis.delete(queue_name("bulk"))

    assert sorted(published) == sorted(backlog)
    assert len(set(published)) == len(published)


def test_after_redis_lost_everything_the_next_sweep_publishes_all(
    relay: Relay, database: Database, publisher: Publisher
) -> None:
    submitter = Submitter(database, publisher, ())
    bulk = submitter.submit([new_ticket(n) for n in range(600)])
    live = submitter.submit([new_ticket(n, lane="live") for n in range(600, 620)])
    let_wait(database)

    publisher.redis.flushall()

    assert relay.sweep() == {**NOTHING, "live": 20, "bulk": 600}
    assert list(chain(*messages(publisher, "bulk"))) == bulk.ids
    assert messages(publisher, "live") == [live.ids]


def test_a_worker_is_asked_for_answers_in_the_shadow_only_while_nothing_waits(
    relay: Relay, loop: ClaimLoop, database: Database, publisher: Publisher, settings: Settings
) -> None:
    # Given a challenger in the shadow of a champion that has answered a ticket
    put_in_shadow(database, settings.resolved_models_dir)
    relay.sweep()
    assert publisher.depth("bulk") == 0  # no ticket is due
    loop.run(add_tickets(database, 1), "bulk")

    # When another ticket waits, nothing is asked
    with database.writing() as session:
        tickets.insert(session, [new_ticket(9)])
    relay.sweep()
    assert publisher.depth("bulk") == 0

    # When none does, a worker is asked once
    with database.reading() as session:
        waiting = claims.still_queued(session, range(99))
    loop.run(waiting, "bulk")
    relay.sweep()
    relay.sweep()
    assert messages(publisher, "bulk") == [[]]
