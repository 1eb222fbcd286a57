"""What is no ticket is kept cut and bounded, counted for ever, and holds nothing back."""

import logging
from typing import Any

import pytest
from redis import Redis

from core.broker import INGEST_REJECTED_TOTAL, INGEST_REJECTS, INGEST_STREAM
from core.publisher import Publisher
from core.settings import Settings
from db import Database
from producer.stream.consumer import Entry, Stream
from producer.stream.ingest import Ingest
from producer.stream.rejects import MOST_REJECTS, Rejects, reject_words
from producer.submit import Submitter
from tests.support.cli import Cli
from tests.support.streams import TicketStream, rows

MB = 1_000_000


@pytest.fixture
def relay(database: Database, publisher: Publisher, settings: Settings) -> Ingest:
    """A consumer whose group exists already."""
    made = Ingest(publisher.redis, Submitter(database, publisher, ()), settings, "one")
    assert made.step(0) == 0
    return made


@pytest.fixture
def stream(publisher: Publisher) -> TicketStream:
    return TicketStream(publisher.redis)


@pytest.fixture
def alone(redis_url: str) -> TicketStream:
    """The stream without a database."""
    return TicketStream(Redis.from_url(redis_url))


def total(stream: TicketStream) -> int:
    return int(stream.redis.get(INGEST_REJECTED_TOTAL) or 0)


def kept_of(fields: dict[bytes, bytes], external_id: str | None = None) -> dict[bytes, bytes]:
    size = sum(map(len, (*fields, *fields.values())))
    words = reject_words(Entry("1-0", size, fields), "text: too long", external_id)
    return dict(zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize(
    "fields",
    [
        {b"text": "漏水".encode() * MB, b"external_id": b"7"},
        {b"n" * MB: b"", b"external_id": b"7"},
        {b"f%d" % n: b"" for n in range(100_000)} | {b"external_id": b"7"},
    ],
    ids=["a long value", "a long name", "many fields"],
)
def test_a_reject_keeps_a_few_kb_and_what_names_the_ticket(fields: dict[bytes, bytes]) -> None:
    kept = kept_of(fields)

    assert sum(map(len, (*kept, *kept.values()))) < 4000
    assert kept[b"external_id"] == b"7"
    assert int(kept[b"rejected_bytes"]) == sum(map(len, (*fields, *fields.values())))
    kept.get(b"text", b"").decode()  # not cut within a character


def test_a_cut_json_object_keeps_its_external_id_beside_it() -> None:
    assert kept_of({b"json": b"[" * MB}, "7")[b"rejected_external_id"] == b"7"
    assert b"rejected_external_id" not in kept_of({b"json": b"[]"}, "7")


def test_rejects_of_2_mb_hold_no_good_entry_back_in_a_full_redis(
    relay: Ingest, stream: TicketStream, database: Database
) -> None:
    for number in range(5):
        stream.add(external_id=str(number), text="x" * 2 * MB)
    stream.add(external_id="good", text="漏水")
    stream.fill()

    while relay.step(0):
        pass

    assert set(rows(database)) == {"good"}
    assert stream.left() == (0, 0)
    relay.rejects._next_try = 0.0
    relay.step(0)
    assert [reject["external_id"] for reject in stream.rejects()] == list("01234")
    assert total(stream) == 5
    assert stream.redis.memory_usage(INGEST_REJECTS, samples=0) < 50_000


def settle_rejects(alone: TicketStream, fields: dict[bytes, bytes], count: int) -> None:
    reader = Stream(alone.redis, "one", 10 * MB)
    reader.create_group()
    for _ in range(0, count, 500):
        pipeline = alone.redis.pipeline(transaction=False)
        for _ in range(500):
            pipeline.xadd(INGEST_STREAM, fields)
        pipeline.execute()
        entries = reader.read("unread", most=500, room=100 * MB)
        rejects = [(entry.id, reject_words(entry, "text: " + "x" * 1000)) for entry in entries]
        assert len(rejects) == 500
        assert reader.settle(rejects, most_rejects=MOST_REJECTS).reply == ""


def test_all_rejects_together_stay_under_16_mib_and_are_all_counted(alone: TicketStream) -> None:
    settle_rejects(alone, {b"text": b"x" * 2048, b"title": b"x" * 2048}, MOST_REJECTS + 500)

    assert alone.redis.xlen(INGEST_REJECTS) == MOST_REJECTS
    assert alone.redis.memory_usage(INGEST_REJECTS, samples=0) < 16 * 2**20
    assert total(alone) == MOST_REJECTS + 500


def test_a_reject_of_many_fields_takes_no_more_than_its_share_of_16_mib(
    alone: TicketStream,
) -> None:
    settle_rejects(alone, {b"%d" % n: b"x" * 30 for n in range(64)}, 500)

    used = alone.redis.memory_usage(INGEST_REJECTS, samples=0)
    assert used / 500 < 16 * 2**20 / MOST_REJECTS


def test_rejects_that_an_earlier_paidan_kept_whole_are_dropped_from_the_oldest_on(
    alone: TicketStream,
) -> None:
    for number in range(26):
        alone.redis.xadd(INGEST_REJECTS, {"n": str(number), "text": "x" * MB})

    Rejects(alone.redis).bound()

    assert alone.redis.memory_usage(INGEST_REJECTS, samples=0) < 16 * 2**20
    assert [reject["n"] for reject in alone.rejects()][-1] == "25"


def test_a_reject_that_redis_refuses_is_acknowledged_and_written_later(
    relay: Ingest, stream: TicketStream, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    stream.redis.set(INGEST_REJECTS, "of another type")
    for number in range(3):
        stream.add(external_id=f"good{number}", text="漏水")
        stream.add(external_id=f"bad{number}", text="张三的秘密", lane="fast")
        assert relay.step(0) == 2
    assert len(rows(database)) == 3
    assert stream.left() == (0, 0)
    assert total(stream) == 3
    told = [record for record in caplog.records if "does not take rejects" in record.getMessage()]
    assert [vars(record)["reply"] for record in told] == ["WRONGTYPE"]

    stream.redis.delete(INGEST_REJECTS)
    relay.rejects._next_try = 0.0
    relay.step(0)

    assert [reject["external_id"] for reject in stream.rejects()] == ["bad0", "bad1", "bad2"]
    assert total(stream) == 3
    assert "张三" not in caplog.text


def test_rejects_that_could_never_be_written_are_named_as_lost_at_the_end(
    alone: TicketStream, caplog: pytest.LogCaptureFixture
) -> None:
    alone.redis.set(INGEST_REJECTS, "of another type")
    reader = Stream(alone.redis, "one", MB)
    reader.create_group()
    kept = Rejects(alone.redis)
    for _ in range(3):
        alone.add(text="x")
        [entry] = reader.read("unread", most=1, room=MB)
        words = [(entry.id, reject_words(entry, "external_id: missing"))]
        kept.add_refused(reader.settle(words, most_rejects=MOST_REJECTS), words)

    kept.close()

    [lost] = [record for record in caplog.records if "rejects are lost" in record.getMessage()]
    assert (vars(lost)["lost"], vars(lost)["uncounted"]) == (3, 0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_status_tells_how_many_were_rejected_and_how_many_of_them_are_kept(
    relay: Ingest, stream: TicketStream, settings: Settings, cli: Cli, as_environment: Any
) -> None:
    as_environment(settings)
    for number in range(3):
        stream.add(external_id=str(number), text="")
    relay.step(0)
    stream.redis.xtrim(INGEST_REJECTS, maxlen=1, approximate=False)

    assert '"rejects": {"total": 3, "kept": 1}' in " ".join(cli("status", "--json").out.split())
    assert "rejects    3 stream entries, 1 of them kept" in cli("status").out

    stream.redis.set(INGEST_REJECTS, "of another type")
    assert "rejects    not known" in cli("status").out


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_status_without_redis_tells_no_number_of_rejects(
    settings: Settings, cli: Cli, as_environment: Any
) -> None:
    as_environment(settings.model_copy(update={"redis_url": "unix:///nonexistent/redis.sock"}))

    shown = cli("status", "--json")

    assert shown.code == 0
    assert '"rejects": null' in shown.out
    assert "rejects    not known" in cli("status").out


@pytest.fixture
def as_environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(settings: Settings) -> None:
        logging.getLogger().setLevel(logging.WARNING)
        for name, value in settings.as_environment().items():
            monkeypatch.setenv(name, value)

    return put
