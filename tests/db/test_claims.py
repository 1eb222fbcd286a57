"""Claims: order, budget, attempts, and what becomes of them when a process dies."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from db import Database, claims, tickets
from db.batch import Budget
from db.claims import Claim
from db.models import Event, Status, Ticket
from tests.support.make import PLENTY, add_tickets, claim_batch, new_ticket, utc_now


def take(
    database: Database, own: Sequence[int] = (), lane: str = "bulk", budget: Budget = PLENTY
) -> Claim:
    return claim_batch(database, own=own, lane=lane, budget=budget)


def take_solo(database: Database) -> Claim:
    with database.writing() as session:
        return claims.claim_solo(session, token=claims.new_token(), worker="w", seconds=60)


def ticket(database: Database, ticket_id: int) -> Ticket:
    with database.reading() as session:
        found = session.get(Ticket, ticket_id)
        assert found is not None
        return found


def insert(database: Database, **values: object) -> int:
    with database.writing() as session:
        return tickets.insert(session, [new_ticket(**values)]).all_ids[0]  # type: ignore[arg-type]


def test_live_goes_first_then_own_ids_then_the_lane(database: Database) -> None:
    bulk = add_tickets(database, 3)
    live = insert(database, number=10, lane="live")

    claim = take(database, own=[bulk[2]])

    assert claim.ids == [live, bulk[2], bulk[0], bulk[1]]


def test_a_lane_is_ordered_by_priority_then_due_time_then_age(database: Database) -> None:
    soon, later = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2))
    routine = insert(database, number=1)
    due_later = insert(database, number=2, due_at=later)
    due_soon = insert(database, number=3, due_at=soon)
    urgent = insert(database, number=4, priority=1)

    assert take(database).ids == [urgent, due_soon, due_later, routine]


def test_a_live_message_takes_no_bulk_ticket(database: Database) -> None:
    add_tickets(database, 2)

    assert take(database, lane="live").ids == []


def test_what_does_not_fit_the_token_budget_stays_unclaimed(database: Database) -> None:
    first, second, third = add_tickets(database, 3)
    each = ticket(database, first).estimated_tokens

    claim = take(database, budget=Budget(tokens=2 * each, tickets=256))

    assert claim.ids == [first, second]
    assert ticket(database, third).attempts == 0
    assert take(database).ids == [third]


def test_a_ticket_over_the_whole_budget_is_taken_by_itself(database: Database) -> None:
    first, _ = add_tickets(database, 2)

    assert take(database, budget=Budget(tokens=1, tickets=256)).ids == [first]


def test_a_large_ticket_behind_live_ones_runs_alone_and_holds_nobody_up(
    database: Database,
) -> None:
    # Given a live ticket, then a bulk one that fills the budget, then small ones
    large = insert(database, number=1, text="长" * 1000)
    small = [insert(database, number=n) for n in (2, 3)]
    live = insert(database, number=4, lane="live")
    budget = Budget(tokens=ticket(database, large).estimated_tokens, tickets=256)

    # Then the small ones go with the live one, and the large one by itself
    assert take(database, budget=budget).ids == [live, *small]
    assert take_solo(database).ids == [large]
    assert ticket(database, large).attempts == 1


def test_a_claim_holds_at_most_the_budget_of_tickets(database: Database) -> None:
    ids = add_tickets(database, 5)

    assert take(database, own=ids, budget=Budget(tokens=1_000_000, tickets=2)).ids == ids[:2]


def test_a_claimed_ticket_is_not_claimed_again(database: Database) -> None:
    add_tickets(database, 2)

    first, second = take(database), take(database)

    assert len(first.ids) == 2
    assert second.ids == []
    assert first.token != second.token


def test_the_attempt_is_committed_with_the_claim(database: Database) -> None:
    [only] = add_tickets(database, 1)

    claim = take(database)

    row = ticket(database, only)
    assert (row.attempts, row.claim_token, row.claimed_by) == (1, claim.token, "w")
    assert row.claimed_until is not None
    assert utc_now() < row.claimed_until <= utc_now() + timedelta(seconds=60)


def test_handing_back_gives_the_attempt_back(database: Database) -> None:
    [only] = add_tickets(database, 1)
    claim = take(database)

    with database.writing() as session:
        claims.hand_back(session, claim.token)

    row = ticket(database, only)
    assert (row.attempts, row.claim_token, row.solo) == (0, None, False)


def test_only_the_holder_of_the_token_can_hand_back(database: Database) -> None:
    [only] = add_tickets(database, 1)
    claim = take(database)

    with database.writing() as session:
        claims.hand_back(session, "another")

    assert ticket(database, only).claim_token == claim.token


def test_a_dead_workers_claims_are_freed_at_once_and_run_alone(database: Database) -> None:
    ids = add_tickets(database, 3)
    take(database)

    with database.writing() as session:
        freed, dead = claims.free_of_worker(session, "w", max_attempts=3)

    assert (freed, dead) == (3, [])
    assert take(database).ids == []  # none of them joins a batch again
    assert [take_solo(database).ids for _ in ids] == [[i] for i in ids]


def test_another_workers_claims_are_left_alone(database: Database) -> None:
    add_tickets(database, 1)
    take(database)

    with database.writing() as session:
        assert claims.free_of_worker(session, "other", max_attempts=3) == (0, [])


def test_only_expired_claims_are_freed(database: Database) -> None:
    old, new = add_tickets(database, 2)
    take(database, budget=Budget(tokens=1, tickets=1))
    take(database)
    with database.writing() as session:
        past = utc_now() - timedelta(seconds=1)
        session.execute(update(Ticket).where(Ticket.id == old).values(claimed_until=past))

    with database.writing() as session:
        freed, _ = claims.free_expired(session, max_attempts=3)

    assert freed == 1
    assert ticket(database, old).claim_token is None
    assert ticket(database, new).claim_token is not None


def test_the_solo_ticket_with_the_fewest_attempts_goes_first(database: Database) -> None:
    poison, innocent = add_tickets(database, 2)
    with database.writing() as session:
        session.execute(update(Ticket).values(solo=True, attempts=1))
        session.execute(update(Ticket).where(Ticket.id == poison).values(attempts=2))

    assert take_solo(database).ids == [innocent]


def test_after_the_last_attempt_a_ticket_is_dead_with_its_reason(database: Database) -> None:
    [only] = add_tickets(database, 1)

    for attempt in range(3):
        claim = take_solo(database) if attempt else take(database)
        with database.writing() as session:
            dead = claims.fail_attempt(
                session, claim.token, claim.ids, reason="boom", max_attempts=3
            )

    row = ticket(database, only)
    assert dead == [only]
    assert (row.status, row.dead_reason) == (Status.DEAD, "3 attempts: boom")
    with database.reading() as session:
        [event] = session.scalars(select(Event).where(Event.kind == "ticket.dead")).all()
    assert (event.ticket_id, event.data) == (only, {"reason": "boom"})


def test_a_requeued_dead_ticket_gets_new_attempts_and_still_runs_alone(database: Database) -> None:
    [only] = add_tickets(database, 1)
    claim = take(database)
    with database.writing() as session:
        claims.fail_attempt(session, claim.token, claim.ids, reason="boom", max_attempts=1)

    with database.writing() as session:
        assert claims.requeue_dead(session, None, actor="me") == [only]

    row = ticket(database, only)
    assert (row.status, row.attempts, row.solo, row.dead_reason) == (Status.QUEUED, 0, True, None)


def test_still_queued_leaves_out_claimed_and_done(database: Database) -> None:
    ids = add_tickets(database, 2)
    take(database, budget=Budget(tokens=1, tickets=1))

    with database.reading() as session:
        assert claims.still_queued(session, ids) == ids[1:]
