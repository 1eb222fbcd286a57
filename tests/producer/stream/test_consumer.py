"""Who gets an entry: one relay of several, another one after a kill, all without a group."""

import threading

import pytest

from core.broker import INGEST_GROUP, INGEST_STREAM
from core.publisher import Publisher
from core.settings import Settings
from db import Database
from db.tickets import NewTicket
from producer.stream import consumer
from producer.stream.ingest import Ingest
from producer.submit import Submitter
from tests.support.processes import wait_until
from tests.support.streams import TicketStream, rows

MB = 1_000_000


def test_entries_added_before_the_first_relay_are_read(
    other: Ingest, stream: TicketStream, database: Database
) -> None:
    stream.add(external_id="1", text="漏水")

    assert (other.take_batch(0), other.take_batch(0)) == (0, 1)  # the first call makes the group

    assert list(rows(database)) == ["1"]


@pytest.mark.parametrize("committed", [True, False])
def test_what_a_killed_relay_read_is_taken_over_and_added_once(
    ingest: Ingest,
    other: Ingest,
    submitter: Submitter,
    stream: TicketStream,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    *,
    committed: bool,
) -> None:
    for number in range(3):
        stream.add(external_id=str(number), text="漏水")
    entries = other.consumer.fetch("unread")
    read = [other.reader.read(entry) for entry in entries]
    if committed:  # and killed before the acknowledgement
        submitter.submit([ticket for ticket in read if isinstance(ticket, NewTicket)])
    assert ingest.take_batch(0) == 0  # the other one may still be at work

    monkeypatch.setattr(consumer, "_TAKE_OVER_AFTER_MS", 0)

    assert ingest.take_batch(0) == 3
    assert sorted(rows(database)) == ["0", "1", "2"]
    assert (stream.left(), stream.rejects()) == ((0, 0), [])


def test_losing_redis_data_makes_the_group_again(
    ingest: Ingest, stream: TicketStream, database: Database
) -> None:
    stream.redis.flushall()
    stream.add(external_id="1", text="漏水")

    assert (ingest.take_batch(0), ingest.take_batch(0)) == (0, 1)

    assert list(rows(database)) == ["1"]


def test_losing_redis_data_while_a_relay_waits_stops_nothing(
    ingest: Ingest, stream: TicketStream, database: Database
) -> None:
    taken: list[int] = []
    waiting = threading.Thread(target=lambda: taken.append(ingest.take_batch(60)))
    waiting.start()

    def evals() -> int:
        return int(stream.redis.info("commandstats")["cmdstat_eval"]["calls"])

    before = evals()
    wait_until(lambda: evals() > before + 1, 20, "a waiting relay")

    stream.redis.flushall()
    waiting.join(10)

    assert taken == [0]
    stream.add(external_id="1", text="漏水")
    assert ingest.take_batch(0) == 1
    assert list(rows(database)) == ["1"]


def test_two_relays_share_the_stream(
    ingest: Ingest, other: Ingest, stream: TicketStream, database: Database
) -> None:
    for number in range(600):
        stream.add(external_id=str(number), text="漏水")

    shares = (ingest.take_batch(0), other.take_batch(0))

    assert shares == (500, 100)
    assert len(rows(database)) == 600
    assert stream.left() == (0, 0)


def test_a_group_that_somebody_destroyed_is_made_again(
    ingest: Ingest, other: Ingest, stream: TicketStream, database: Database
) -> None:
    stream.add(external_id="1", text="漏水")
    stream.add(external_id="2", text="")
    other._unfinished = other.consumer.fetch("unread")
    stream.redis.xgroup_destroy(INGEST_STREAM, INGEST_GROUP)

    assert (ingest.take_batch(0), ingest.take_batch(0), other.take_batch(0)) == (0, 2, 2)

    assert list(rows(database)) == ["1"]
    assert len(stream.rejects()) == 1  # and not one for each relay
    assert stream.left() == (0, 0)


def test_two_relays_without_a_group_store_and_refuse_each_entry_once(
    publisher: Publisher,
    submitter: Submitter,
    settings: Settings,
    stream: TicketStream,
    database: Database,
) -> None:
    """Redis is too full to make the group, so both read the same entries."""
    one, two = (Ingest(publisher.redis, submitter, settings, name) for name in ("one", "two"))
    for number in range(3):
        stream.add(external_id=str(number), text="漏水", memo="x" * MB)
    stream.add(external_id="0", text="停电")
    stream.add(external_id="bad", text="")

    with stream.full():
        two._unfinished = two.consumer.wait(0)
        assert (one.take_batch(0), two.take_batch(0)) == (5, 5)
    for each in (one, two):
        each.rejects._next_try = 0.0
        each.take_batch(0)

    assert {ticket.text for ticket in rows(database).values()} == {"漏水"}
    assert len(rows(database)) == 3
    assert sorted(reject["external_id"] for reject in stream.rejects()) == ["0", "bad"]
    assert stream.redis.xlen(INGEST_STREAM) == 0
