"""Erasing one ticket: its text is nowhere any more, and it does not come back."""

from pathlib import Path
from typing import Any

import pytest

from core.broker import INGEST_REJECTS, INGEST_STREAM
from core.publisher import Publisher
from core.settings import Settings
from db import Database
from producer.stream.ingest import Ingest
from producer.submit import Submitter
from tests.support.answers import erase, whole_record
from tests.support.cli import Cli, jsonl
from tests.support.make import new_ticket

SECRET = "独一无二的密语乙丙丁"
PERSONAL = {
    "text": f"{SECRET} 我家漏水",
    "title": f"{SECRET} 标题",
    "district": f"{SECRET} 区",
    "unit": f"{SECRET} 局",
    "meta": {"caller": SECRET},
}


@pytest.fixture
def submitter(database: Database, publisher: Publisher) -> Submitter:
    return Submitter(database, publisher, ())


def test_an_erased_ticket_that_is_sent_again_is_refused_whatever_its_text(
    submitter: Submitter, database: Database
) -> None:
    submitter.submit([new_ticket(1, **PERSONAL)])
    erase(database)

    result = submitter.submit(
        [new_ticket(1, **PERSONAL), new_ticket(1, text="别的"), new_ticket(1, text=" ")]
    )

    assert (result.added, result.known, result.conflicts, result.ids) == (0, 0, [], [])
    assert [refused.field for refused in result.refused] == ["text", "external_id", "external_id"]
    assert SECRET not in whole_record(database)


def test_the_stream_brings_no_erased_ticket_back_and_its_rejects_keep_no_text(
    publisher: Publisher, submitter: Submitter, settings: Settings, database: Database
) -> None:
    submitter.submit([new_ticket(1, source="stream", **PERSONAL)])
    erase(database, source="stream")
    relay = Ingest(publisher.redis, submitter, settings, "one")
    relay.step(0)
    publisher.redis.xadd(INGEST_STREAM, {"external_id": "t1", "text": SECRET})

    relay.step(0)

    assert SECRET not in whole_record(database)
    rejects: Any = publisher.redis.xrange(INGEST_REJECTS)
    assert [fields["external_id"] for _, fields in rejects] == ["t1"]
    assert SECRET not in str(rejects)


def test_the_command_leaves_no_copy_in_the_home_or_in_redis(
    cli: Cli, home: Path, tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a ticket in SQLite, in the rejects of its home and in both streams
    monkeypatch.setenv("PAIDAN_REDIS_URL", redis_url)
    file = jsonl(tmp_path / "t.jsonl", {"external_id": "7", "text": SECRET * 900})
    assert cli("push", file).code == 0
    again = jsonl(tmp_path / "again.jsonl", {"external_id": "7", "text": SECRET})
    assert cli("push", again).code == 3
    redis = Publisher(Settings(redis_url=redis_url)).redis
    for stream in (INGEST_STREAM, INGEST_REJECTS):
        redis.xadd(
            stream, {"json": f'{{"external_id": "7", "source": "file", "text": "{SECRET}"}}'}
        )
        redis.xadd(stream, {"json": f'{{"external_id": "7", "text": "{SECRET}'})  # cut off
        redis.xadd(stream, {"external_id": "8", "source": "file", "text": b"\xff"})

    # When it is erased
    assert cli("erase", "7", "--by", "officer", "--yes").code == 0

    # Then no file of the home holds it, and the streams keep the others' entries
    assert [p for p in home.rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()] == []
    assert (redis.xlen(INGEST_STREAM), redis.xlen(INGEST_REJECTS)) == (1, 1)
    refused = cli("push", file)
    assert (refused.code, "was erased" in refused.err, SECRET in refused.err) == (3, True, False)
    assert [p for p in home.rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()] == []
    assert "erased before" in cli("erase", "7", "--by", "officer", "--yes").out
    unknown = cli("erase", "9", "--by", "officer", "--yes")
    assert (unknown.code, "no ticket '9'" in unknown.err) == (1, True)
