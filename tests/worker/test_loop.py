"""The claim loop in this process: how batches are filled, and who comes first."""

from collections.abc import Sequence

from sqlalchemy import select, update

from core.settings import Settings
from db import Database, claims, corrections, tickets
from db.batch import Budget
from db.models import Classification, Correction, Status, Ticket
from tests.support.ahead import Ahead
from tests.support.make import add_tickets, new_ticket, promote_constant
from tests.support.record import claimed, statuses
from tests.support.recorder import Recorder
from worker.loop import ClaimLoop
from worker.resident import Resident


def test_a_message_of_few_ids_fills_its_batch_from_the_lane(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    ids = add_tickets(database, 10)

    loop.run(ids[:1], "bulk")

    assert [len(batch) for batch in model.batches] == [10]
    assert statuses(database) == [Status.ROUTED] * 10


def test_a_message_whose_tickets_are_done_asks_no_model(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    ids = add_tickets(database, 2)
    loop.run(ids, "bulk")
    add_tickets(database, 4)
    model.batches.clear()

    assert loop.run(ids, "bulk") == 0
    assert model.batches == []


def test_a_live_ticket_overtakes_bulk_between_two_batches(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    # Given four bulk tickets in batches of two, and a live one that comes with the first batch
    loop.settings = loop.settings.model_copy(update={"max_batch": 2})
    ids = add_tickets(database, 4)

    def arrive(texts: Sequence[str]) -> None:
        if len(model.batches) == 1:
            with database.writing() as session:
                tickets.insert(session, [new_ticket(99, text="急", lane="live")])

    model.before = arrive

    # When the bulk message is worked off
    loop.run(ids, "bulk")

    # Then the live one is the second batch, and is not held up by what was claimed with it
    assert [len(batch) for batch in model.batches] == [2, 1, 1, 1]
    assert model.batches[1] == ["急"]


def test_a_live_message_ends_with_its_own_tickets(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    """Or bulk would wait for as long as live tickets come."""
    ids = add_tickets(database, 1, lane="live")

    def come(texts: Sequence[str]) -> None:
        with database.writing() as session:
            tickets.insert(session, [new_ticket(100 + len(model.batches), lane="live")])

    model.before = come

    assert loop.run(ids, "live") == 1


def test_a_live_message_ends_with_its_own_tickets_when_a_solo_one_came_between(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    loop.settings = loop.settings.model_copy(update={"max_batch": 1})
    ids = add_tickets(database, 2, lane="live")
    with database.writing() as session:
        [solo] = tickets.insert(session, [new_ticket(50, text="单")]).all_ids
        session.execute(update(Ticket).where(Ticket.id == solo).values(solo=True))

    def come(texts: Sequence[str]) -> None:
        with database.writing() as session:
            tickets.insert(session, [new_ticket(100 + len(model.batches), lane="live")])

    model.before = come

    assert loop.run(ids, "live") == 3


def test_a_message_goes_on_until_its_lane_is_dry(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    loop.settings = loop.settings.model_copy(update={"max_batch": 2})
    ids = add_tickets(database, 7)

    assert loop.run(ids[:1], "bulk") == 7


def test_a_model_that_works_ahead_has_the_next_batch_before_it_answers_the_last(
    loop: ClaimLoop, ahead: Ahead, database: Database
) -> None:
    loop.settings = loop.settings.model_copy(update={"max_batch": 2})
    ids = add_tickets(database, 5)
    seen: list[tuple[int, int]] = []
    ahead.before = lambda texts: seen.append(
        (len(claimed(database)), statuses(database).count(Status.ROUTED))
    )

    assert loop.run(ids, "bulk") == 5

    assert [len(batch) for batch in ahead.batches] == [2, 2, 1]
    # Two batches are held; each is stored before the next but one is claimed.
    assert seen == [(4, 0), (3, 2), (1, 4)]


def test_a_ticket_that_runs_alone_does_so_with_nothing_under_way(
    loop: ClaimLoop, ahead: Ahead, database: Database
) -> None:
    loop.settings = loop.settings.model_copy(update={"max_batch": 2})
    ids = add_tickets(database, 7)
    with database.writing() as session:
        session.execute(update(Ticket).where(Ticket.id == ids[3]).values(solo=True))

    seen: list[int] = []
    ahead.before = lambda texts: seen.append(len(claimed(database)))

    assert loop.run(ids, "bulk") == 7
    # A feed of one batch, the solo ticket, and a feed of two.
    assert [len(batch) for batch in ahead.batches] == [2, 1, 2, 2]
    assert seen == [2, 1, 4, 2]


def test_what_is_under_way_when_the_time_is_up_is_answered(
    loop: ClaimLoop, ahead: Ahead, database: Database
) -> None:
    sent: list[dict[str, list[int]]] = []
    loop.publish = sent.append
    loop.settings = loop.settings.model_copy(update={"max_batch": 2})
    ids = add_tickets(database, 7)
    loop.stopping = lambda: len(ahead.batches) >= 1

    assert loop.run(ids, "bulk") == 4
    assert sent == [{"bulk": ids[4:]}]


def test_title_and_text_reach_the_model_masked(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    with database.writing() as session:
        new = new_ticket(title="漏水", text="请打13900001234联系")
        ids = tickets.insert(session, [new]).all_ids

    loop.run(ids, "bulk")

    assert model.batches == [["漏水\n请打[电话]联系"]]


def test_a_returned_ticket_is_not_offered_the_unit_that_refused_it(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    [returned] = add_tickets(database, 1)
    with database.writing() as session:
        session.add(
            Correction(
                ticket_id=returned, round=0, from_unit="A", actor="甲局", how=corrections.RETURN
            )
        )
        session.execute(update(Ticket).values(round=1))

    loop.run([returned], "bulk")

    assert model.allowed == [frozenset("BC")]
    with database.reading() as session:
        assert session.scalars(select(Classification.unit_code)).all() == ["B"]


def test_a_result_that_comes_after_a_persons_decision_changes_nothing(
    loop: ClaimLoop, model: Recorder, database: Database
) -> None:
    [only] = add_tickets(database, 1)

    def decide(texts: Sequence[str]) -> None:
        with database.writing() as session:
            found = corrections.find_ticket(session, "file", "t1")
            assert found is not None
            corrections.decide(session, found, "C", actor="me")

    model.before = decide

    assert loop.run([only], "bulk") == 0
    with database.reading() as session:
        row = session.get(Ticket, only)
        assert row is not None
        assert (row.status, row.unit_code) == (Status.ROUTED, "C")
        assert session.scalars(select(Classification)).all() == []


def test_a_new_champion_comes_before_a_solo_ticket(
    loop: ClaimLoop, model: Recorder, database: Database, settings: Settings
) -> None:
    # Given a champion that moves during a feed's last batch, and a solo ticket that follows it
    [first] = add_tickets(database, 1)
    moved: list[str] = []

    def move(texts: Sequence[str]) -> None:
        del texts
        if not moved:
            moved.append(promote_constant(database, settings.resolved_models_dir, ("B", "B", "A")))
            with database.writing() as session:
                [solo] = tickets.insert(session, [new_ticket(50)]).all_ids
                session.execute(update(Ticket).where(Ticket.id == solo).values(solo=True))

    model.before = move

    # When the message is worked off
    loop.run([first], "bulk")

    # Then the new champion answers the solo ticket
    with database.reading() as session:
        answered = session.scalars(select(Classification).order_by(Classification.id)).all()
        assert [one.model_version for one in answered] == [model.inner.version, *moved]


def test_without_a_model_tickets_wait_unclaimed(database: Database, settings: Settings) -> None:
    ids = add_tickets(database, 1)
    resident = Resident(database, settings.resolved_models_dir)
    loop = ClaimLoop(database, resident, settings, lambda ids: None, "w")

    assert loop.run(ids, "bulk") == 0

    with database.writing() as session:
        claim = claims.claim(
            session,
            token=claims.new_token(),
            worker="x",
            own_ids=ids,
            lane="bulk",
            budget=Budget(100, 10),
            seconds=60,
        )
    assert claim.ids == ids
