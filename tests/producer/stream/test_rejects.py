"""What is no ticket is kept cut and bounded, counted for ever, and holds nothing back."""

import pytest

from core.broker import INGEST_REJECTS
from db import Database
from producer.stream.acknowledgement import acknowledge
from producer.stream.consumer import Consumer
from producer.stream.entries import FetchLimits, fetch
from producer.stream.ingest import Ingest
from producer.stream.reject_words import reject_words
from producer.stream.rejects import MOST_REJECTS, Rejects
from tests.support.streams import TicketStream, rows

MB = 1_000_000


def test_rejects_of_2_mb_hold_no_good_entry_back_in_a_full_redis(
    ingest: Ingest, stream: TicketStream, database: Database
) -> None:
    for number in range(5):
        stream.add(external_id=str(number), text="x" * 2 * MB)
    stream.add(external_id="good", text="漏水")
    stream.fill()

    while ingest.take_batch(0):
        pass

    assert set(rows(database)) == {"good"}
    assert stream.left() == (0, 0)
    ingest.rejects._next_try = 0.0
    ingest.take_batch(0)
    assert [reject["external_id"] for reject in stream.rejects()] == list("01234")
    assert stream.rejected_total() == 5
    assert stream.redis.memory_usage(INGEST_REJECTS, samples=0) < 50_000


def test_rejects_that_an_earlier_paidan_kept_whole_are_dropped_from_the_oldest_on(
    bare_stream: TicketStream,
) -> None:
    for number in range(26):
        bare_stream.redis.xadd(INGEST_REJECTS, {"n": str(number), "text": "x" * MB})

    Rejects(bare_stream.redis).trim()

    assert bare_stream.redis.memory_usage(INGEST_REJECTS, samples=0) < 16 * 2**20
    assert [reject["n"] for reject in bare_stream.rejects()][-1] == "25"


def test_a_reject_that_redis_refuses_is_acknowledged_and_written_later(
    ingest: Ingest, stream: TicketStream, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    stream.redis.set(INGEST_REJECTS, "of another type")
    for number in range(3):
        stream.add(external_id=f"good{number}", text="漏水")
        stream.add(external_id=f"bad{number}", text="张三的秘密", lane="fast")
        assert ingest.take_batch(0) == 2
    assert len(rows(database)) == 3
    assert stream.left() == (0, 0)
    assert stream.rejected_total() == 3
    told = [record for record in caplog.records if "does not take rejects" in record.getMessage()]
    assert [vars(record)["reply"] for record in told] == ["WRONGTYPE"]

    stream.redis.delete(INGEST_REJECTS)
    ingest.rejects._next_try = 0.0
    ingest.take_batch(0)

    assert [reject["external_id"] for reject in stream.rejects()] == ["bad0", "bad1", "bad2"]
    assert stream.rejected_total() == 3
    assert "张三" not in caplog.text


def test_rejects_that_could_never_be_written_are_named_as_lost_at_the_end(
    bare_stream: TicketStream, caplog: pytest.LogCaptureFixture
) -> None:
    bare_stream.redis.set(INGEST_REJECTS, "of another type")
    limits = FetchLimits(1, MB, MB)
    Consumer(bare_stream.redis, "one", limits).create_group()
    kept = Rejects(bare_stream.redis)
    for _ in range(3):
        bare_stream.add(text="x")
        [entry] = fetch(bare_stream.redis, "one", "unread", limits)
        words = [(entry.id, reject_words(entry, "external_id: missing"))]
        faults = acknowledge(bare_stream.redis, words, most_rejects=MOST_REJECTS)
        kept.add_unkept(faults, words)

    kept.close()

    [lost] = [record for record in caplog.records if "rejects are lost" in record.getMessage()]
    assert (vars(lost)["lost"], vars(lost)["uncounted"]) == (3, 0)
