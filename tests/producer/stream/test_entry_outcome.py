"""What became of a ticket after it was read: stored, known with another text, or erased before."""

from typing import Any

from core.broker import INGEST_REJECTS, INGEST_STREAM
from core.publisher import Publisher
from core.settings import Settings
from db import Database
from producer.stream.ingest import Ingest
from producer.submit import Submitter
from tests.support.answers import erase, whole_record
from tests.support.make import new_ticket
from tests.support.private import PERSONAL, TEXT, marks_in
from tests.support.streams import TicketStream, rows

SAYING = {**PERSONAL, "external_id": "t1"}  # the id stays


def test_a_known_id_with_another_text_is_rejected(
    ingest: Ingest, stream: TicketStream, database: Database
) -> None:
    for text in ("漏水", "停电", "漏水"):
        stream.add(external_id="1", text=text)

    ingest.take_batch(0)

    assert rows(database)["1"].text == "漏水"
    [refused] = stream.rejects()
    assert refused["text"] == "停电"
    assert refused["rejected_reason"] == "external_id: stored already with another text"


def test_the_stream_brings_no_erased_ticket_back_and_its_rejects_keep_no_text(
    publisher: Publisher, submitter: Submitter, settings: Settings, database: Database
) -> None:
    submitter.submit([new_ticket(1, source="stream", **SAYING)])
    erase(database, source="stream")
    ingest = Ingest(publisher.redis, submitter, settings, "one")
    ingest.take_batch(0)
    publisher.redis.xadd(INGEST_STREAM, {"external_id": "t1", "text": TEXT})

    ingest.take_batch(0)

    assert marks_in(whole_record(database)) == []
    rejects: Any = publisher.redis.xrange(INGEST_REJECTS)
    assert [fields["external_id"] for _, fields in rejects] == ["t1"]
    assert marks_in(str(rejects)) == []
