"""Whatever fails, no log line, event, reason or message in Redis tells what a ticket says."""

import io
import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text as sql

from classifier.interface import Decision
from core.broker import INGEST_REJECTS, INGEST_STREAM
from core.errors import PaidanError
from core.publisher import Publisher
from core.settings import Settings
from db import Database, workers
from db.models import Status
from producer.relay import Relay
from producer.submit import Submitter
from tests.support.cli import Cli, jsonl
from tests.support.make import new_ticket
from tests.support.private import ID, PERSONAL, PLACE, TEXT, TITLE, marks_in
from tests.support.recorder import Recorder
from worker.heartbeat import Heartbeat
from worker.loop import ClaimLoop
from worker.shared import make_shared


def kept_beside_the_ticket(database: Database, redis: Any) -> str:
    """Events, reasons, heartbeats, and all of Redis but the stream and its rejects."""
    with database.reading() as session:
        rows = [
            *session.execute(sql("SELECT * FROM events")),
            *session.execute(sql("SELECT dead_reason FROM tickets")),
            *session.execute(sql("SELECT * FROM workers")),
        ]
    keys = [key for key in redis.scan_iter() if key not in (INGEST_STREAM, INGEST_REJECTS)]
    values = [redis.lrange(key, 0, -1) for key in keys if redis.type(key) == "list"]
    hashes = [redis.hgetall(key) for key in keys if redis.type(key) == "hash"]
    texts = [redis.get(key) for key in keys if redis.type(key) == "string"]
    return repr([rows, keys, values, hashes, texts])


def chained(text: str) -> None:
    try:
        {}[text]
    except KeyError as error:
        raise RuntimeError(text) from error


def in_passing(text: str) -> None:
    try:
        {}[text]
    except KeyError:
        raise RuntimeError(text)  # noqa: B904


def warned(text: str) -> None:
    warnings.warn(text, stacklevel=2)  # an error in this suite
    raise RuntimeError(text)


def noted(text: str) -> None:
    error = RuntimeError(text)
    error.add_note(text)
    raise error


def raised(error: BaseException) -> Callable[[str], None]:
    def fail(_text: str) -> None:
        raise error

    return fail


FAILS: dict[str, Callable[[str], None]] = {
    "chained": chained,
    "in passing": in_passing,
    "warned": warned,
    "noted": noted,
    "group": raised(ExceptionGroup(TEXT, [ValueError(TEXT), OSError(2, TEXT, TEXT)])),
    "nul": raised(RuntimeError(f"{TEXT}\x00")),
    "half a surrogate": raised(RuntimeError(f"{TEXT}\ud800")),
    "decoding": raised(UnicodeDecodeError("utf-8", TEXT.encode(), 0, 1, TEXT)),
    "odd name": raised(type("密Error", (Exception,), {})(TEXT)),
    "ours": raised(PaidanError(TEXT)),
}


@pytest.mark.parametrize("how", FAILS)
def test_a_model_that_raises_with_a_tickets_text_ends_in_its_kind_and_place(
    loop: ClaimLoop,
    model: Recorder,
    submitter: Submitter,
    database: Database,
    told: io.StringIO,
    how: str,
) -> None:
    ids = submitter.submit([new_ticket(1, **PERSONAL), new_ticket(2)]).ids

    def fail(texts: Sequence[str]) -> None:
        if any("密" in text for text in texts):
            FAILS[how](TEXT)

    model.before = fail
    loop.run(ids, "bulk")

    with database.reading() as session:
        rows = session.execute(sql("SELECT status, dead_reason FROM tickets ORDER BY id")).all()
    assert [row.status for row in rows] == [Status.DEAD, Status.ROUTED]
    assert rows[0].dead_reason.startswith("3 attempts: it cannot be classified: ")
    assert "at whole/test_privacy_of_faults.py:" in rows[0].dead_reason
    kept = kept_beside_the_ticket(database, submitter.publisher.redis)
    assert (marks_in(kept), marks_in(told.getvalue())) == ([], [])


CHANGES: dict[str, dict[str, Any]] = {
    "unit": {"unit": TEXT},
    "top-k": {"top_k": ((TEXT, 1.0),)},
    "top-k with NUL": {"top_k": (("A\x00", 1.0),)},
    "set": {"sets": ((0.9, (TEXT,)),)},
    "held back": {"held_back": TEXT},
    "probability": {"probability": TEXT},
    "nan in top-k": {"top_k": (("A", float("nan")),)},
}


@pytest.mark.parametrize("what", CHANGES)
def test_an_answer_no_database_stores_is_its_tickets_end_and_no_endless_repeat(
    loop: ClaimLoop,
    model: Recorder,
    submitter: Submitter,
    database: Database,
    told: io.StringIO,
    what: str,
) -> None:
    ids = submitter.submit([new_ticket(1, **PERSONAL), new_ticket(2)]).ids
    intact = model.inner

    class Odd:
        token_budget, version, units = intact.token_budget, intact.version, intact.units

        def classify(self, texts: Sequence[str], allowed: Any, top_k: int) -> list[Decision]:
            decisions: list[Decision] = intact.classify(texts, allowed, top_k)
            changes = [CHANGES[what] if "密" in text else {} for text in texts]
            return [replace(d, **change) for d, change in zip(decisions, changes, strict=True)]

    model.inner = Odd()
    loop.run(ids, "bulk")

    with database.reading() as session:
        found = session.scalars(sql("SELECT status FROM tickets ORDER BY id")).all()
    assert found == [Status.DEAD, Status.ROUTED]
    kept = kept_beside_the_ticket(database, submitter.publisher.redis)
    assert (marks_in(kept), marks_in(told.getvalue())) == ([], [])


class Rounds:
    """Lets a relay go round so many times."""

    def __init__(self, rounds: int) -> None:
        self.left = rounds

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0

    def wait(self, _seconds: float) -> bool:
        return False


@pytest.mark.parametrize("fault", ["full", "wrong type", "rejects", "undecodable", "gone"])
def test_a_relay_tells_no_text_of_the_stream_whatever_redis_says(
    database: Database,
    settings: Settings,
    publisher: Publisher,
    told: io.StringIO,
    fault: str,
) -> None:
    quick = settings.model_copy(update={"relay_sweep": 0.05})
    redis: Any = publisher.redis
    relay = Relay(database, publisher, quick)
    relay.run(Rounds(2))  # type: ignore[arg-type]
    fields = {"external_id": ID, "text": TEXT, "district": PLACE, "title": TITLE}
    if fault == "wrong type":
        redis.delete(INGEST_STREAM)
        redis.set(INGEST_STREAM, TEXT)
        redis.lpush(INGEST_REJECTS, TEXT)
    else:
        redis.xadd(INGEST_STREAM, fields | {"lane": "密道"})
        redis.xadd(INGEST_STREAM, fields | {"meta": TEXT})
        redis.xadd(INGEST_STREAM, {"json": TEXT})
        redis.xadd(INGEST_STREAM, {"external_id": ID, "text": TEXT.encode("gb18030") + b"\xff"})
        redis.xadd(INGEST_STREAM, fields)
    if fault == "undecodable":
        redis.lpush("tickets.bulk", TEXT, json.dumps({"body": TEXT}))
        redis.delete("tickets.bulk")
    if fault == "full":
        redis.config_set("maxmemory", 1)
    if fault == "gone":
        redis.xgroup_destroy(INGEST_STREAM, "relay")

    relay.run(Rounds(3))  # type: ignore[arg-type]

    redis.config_set("maxmemory", 0)
    assert told.getvalue()
    assert marks_in(told.getvalue()) == []
    assert marks_in(kept_beside_the_ticket(database, redis)) == []


def test_a_heartbeat_that_fails_tells_no_text(
    loop: ClaimLoop, told: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = Heartbeat(loop, make_shared(), lambda: 0.0, period=1.0)
    ends = iter([False, False, True])
    heartbeat._ended = type("Ended", (), {"wait": lambda *_: next(ends)})()  # type: ignore[assignment]
    fails = iter([chained, raised(OSError(28, TEXT))])
    monkeypatch.setattr(workers, "beat", lambda *_, **__: next(fails)(TEXT))

    heartbeat._run()

    assert told.getvalue().count("no heartbeat") == 2
    assert marks_in(told.getvalue()) == []


def test_the_command_line_names_the_place_in_a_file_and_no_text(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[dict[str, object]] = [
        {"external_id": "1", "text": f"{TEXT}\x00"},
        {"external_id": "2", "text": [TEXT]},
        {"external_id": "3", "text": TEXT, "meta": TEXT},
        {"external_id": "4", "text": TEXT, "title": f"{TITLE}\x00"},
        {"external_id": "5", "text": TEXT, "priority": "9"},
        {"external_id": "6", "text": TEXT},
        {"external_id": "6", "text": f"{TEXT} anders"},
    ]
    ran = cli("-v", "push", jsonl(tmp_path / "t.jsonl", *rows))
    assert (ran.code, "rows refused: 6" in ran.err) == (3, True)
    assert "line 1, text: holds a NUL" in ran.err
    assert "'9' is none of" in ran.err  # a short value that is no text is shown

    monkeypatch.setattr(Submitter, "submit", lambda *_: chained(TEXT))
    failed = cli("-v", "push", jsonl(tmp_path / "u.jsonl", {"external_id": "7", "text": TEXT}))
    assert (failed.code, failed.err.splitlines()[-1].split(":")[:2]) == (
        1,
        ["paidan", " an error that nobody expected"],
    )
    assert "Traceback" not in failed.err
    assert [marks_in(part) for part in (ran.err, ran.out, failed.err, failed.out)] == [[]] * 4
