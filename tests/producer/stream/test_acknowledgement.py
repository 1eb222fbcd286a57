"""Acknowledging in one script: rejects are bounded, and all of them are counted."""

from core.broker import INGEST_REJECTS, INGEST_STREAM
from producer.stream.acknowledgement import acknowledge
from producer.stream.consumer import Consumer
from producer.stream.entries import FetchLimits, fetch
from producer.stream.reject_words import reject_words
from producer.stream.rejects import MOST_REJECTS
from tests.support.streams import TicketStream

MB = 1_000_000


def acknowledge_rejects(bare_stream: TicketStream, fields: dict[bytes, bytes], count: int) -> None:
    limits = FetchLimits(500, 100 * MB, 10 * MB)
    Consumer(bare_stream.redis, "one", limits).create_group()
    for _ in range(0, count, 500):
        pipeline = bare_stream.redis.pipeline(transaction=False)
        for _ in range(500):
            pipeline.xadd(INGEST_STREAM, fields)
        pipeline.execute()
        entries = fetch(bare_stream.redis, "one", "unread", limits)
        rejects = [(entry.id, reject_words(entry, "text: " + "x" * 1000)) for entry in entries]
        assert len(rejects) == 500
        faults = acknowledge(bare_stream.redis, rejects, most_rejects=MOST_REJECTS)
        assert faults.reply == ""


def test_all_rejects_together_stay_under_16_mib_and_are_all_counted(
    bare_stream: TicketStream,
) -> None:
    acknowledge_rejects(
        bare_stream, {b"text": b"x" * 2048, b"title": b"x" * 2048}, MOST_REJECTS + 500
    )

    assert bare_stream.redis.xlen(INGEST_REJECTS) == MOST_REJECTS
    assert bare_stream.redis.memory_usage(INGEST_REJECTS, samples=0) < 16 * 2**20
    assert bare_stream.rejected_total() == MOST_REJECTS + 500


def test_a_reject_of_many_fields_takes_no_more_than_its_share_of_16_mib(
    bare_stream: TicketStream,
) -> None:
    acknowledge_rejects(bare_stream, {b"%d" % n: b"x" * 30 for n in range(64)}, 500)

    used = bare_stream.redis.memory_usage(INGEST_REJECTS, samples=0)
    assert used / 500 < 16 * 2**20 / MOST_REJECTS
