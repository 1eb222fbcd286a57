"""Submit: rows first, then messages that hold ids and no text."""

import base64
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from core.broker import CLASSIFY_TASK
from core.errors import BrokerUnavailableError
from core.publisher import Publisher
from core.settings import Settings
from db import Database, tickets
from db.models import Ticket
from producer.submit import SubmitResult, Submitter, submit
from producer.tickets.rules import load_rules
from tests.support.answers import erase, whole_record
from tests.support.make import messages, new_ticket
from tests.support.private import PERSONAL, marks_in
from tests.support.processes import wait_until

SAYING = {**PERSONAL, "external_id": "t1"}  # the id stays


def stored(database: Database) -> dict[str, Ticket]:
    with database.reading() as session:
        return {ticket.external_id: ticket for ticket in session.scalars(select(Ticket))}


def count(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Ticket)) or 0


def test_tickets_become_rows_and_one_message_a_lane(
    submitter: Submitter, database: Database, publisher: Publisher
) -> None:
    result = submitter.submit([new_ticket(1), new_ticket(2, lane="live"), new_ticket(3)])

    rows = stored(database)
    assert (result.added, result.known, result.conflicts, result.unpublished) == (3, 0, [], None)
    assert sorted(result.ids) == sorted(row.id for row in rows.values())
    assert messages(publisher, "bulk") == [[rows["t1"].id, rows["t3"].id]]
    assert messages(publisher, "live") == [[rows["t2"].id]]
    assert (rows["t1"].status, rows["t1"].attempts, rows["t1"].round) == ("queued", 0, 0)


def test_messages_hold_ids_and_no_text(submitter: Submitter, publisher: Publisher) -> None:
    secret = new_ticket(1, title="SECRET1", text="SECRET2", district="SECRET3", unit="SECRET4")
    result = submitter.submit([secret])

    redis: Any = publisher.redis
    keys = redis.keys("*")
    [raw] = redis.lrange("tickets.bulk", 0, -1)
    message = json.loads(raw)
    body = base64.b64decode(message["body"]).decode()
    args, kwargs, _ = json.loads(body)
    assert (args, kwargs) == ([result.ids, "bulk"], {})
    assert (message["headers"]["task"], message["content-type"]) == (
        CLASSIFY_TASK,
        "application/json",
    )
    assert "SECRET" not in raw + body
    assert set(keys) == {"tickets.bulk"}  # nothing else went to Redis either
    assert len(raw) < 2000


def test_submitting_again_adds_and_publishes_nothing(
    submitter: Submitter, publisher: Publisher
) -> None:
    first = submitter.submit([new_ticket(1), new_ticket(2)])

    again = submitter.submit([new_ticket(2), new_ticket(1)])

    assert (again.added, again.known, again.conflicts) == (0, 2, [])
    assert sorted(again.ids) == sorted(first.ids)  # so that a caller can wait for them
    assert messages(publisher, "bulk") == [first.ids]


def test_another_text_under_a_known_id_is_a_conflict_and_changes_nothing(
    submitter: Submitter, database: Database, publisher: Publisher
) -> None:
    first = submitter.submit([new_ticket(1)])
    other = new_ticket(1, text="别的事", priority=1)

    result = submitter.submit([other, new_ticket(2)])

    assert (result.added, result.known, result.conflicts) == (1, 0, [other])
    assert not set(result.ids) & set(first.ids)  # the stored ticket is not the one submitted
    assert stored(database)["t1"].text == new_ticket(1).text
    assert messages(publisher, "bulk") == [first.ids, result.ids]


def test_the_same_id_of_another_source_is_another_ticket(submitter: Submitter) -> None:
    result = submitter.submit([new_ticket(1), new_ticket(1, source="12345", text="别的事")])

    assert (result.added, result.conflicts) == (2, [])


def test_doubled_ids_in_a_chunk_add_one_row(submitter: Submitter, database: Database) -> None:
    other = new_ticket(1, text="别的事")

    result = submitter.submit([new_ticket(1), new_ticket(1), other, new_ticket(2)])

    assert (result.added, result.known, result.conflicts) == (2, 1, [other])
    assert result.ids == [stored(database)[name].id for name in ("t1", "t2")]


def test_thousands_of_tickets_keep_their_order_in_messages_of_256_ids(
    submitter: Submitter, database: Database, publisher: Publisher
) -> None:
    new = [
        new_ticket(n, title=None if n % 3 else "题", unit=None if n % 2 else "A")
        for n in range(2500)
    ]

    result = submitter.submit(iter(new))

    sent = messages(publisher, "bulk")
    assert (result.added, count(database)) == (2500, 2500)
    assert [len(ids) for ids in sent] == [256, 256, 256, 232] * 2 + [256, 244]
    assert [i for ids in sent for i in ids] == result.ids == sorted(result.ids)
    assert stored(database)["t2499"].id == result.ids[-1]


def test_doubled_ids_across_chunks_add_one_row(submitter: Submitter) -> None:
    result = submitter.submit([*(new_ticket(n) for n in range(1000)), new_ticket(0)])

    assert (result.added, result.known) == (1000, 1)


def test_producers_that_add_the_same_tickets_in_another_order_wait_for_no_deadlock(
    submitter: Submitter, database: Database
) -> None:
    results: list[SubmitResult] = []
    tickets_of_both = [new_ticket(2), new_ticket(1)]
    second = threading.Thread(target=lambda: results.append(submitter.submit(tickets_of_both)))

    with database.writing() as session:
        tickets.insert(session, [new_ticket(1)])
        second.start()
        if database.engine.dialect.name == "postgresql":  # on SQLite the second cannot even begin
            wait_until(lambda: _somebody_waits(database), 20, "a lock")
        tickets.insert(session, [new_ticket(2)])
    second.join(20)

    assert [(result.added, result.known) for result in results] == [(0, 2)]


def _somebody_waits(database: Database) -> bool:
    locked = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with database.reading() as session:
        return bool(session.scalar(locked))


def test_without_redis_the_rows_stay_and_the_result_says_why(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    gone = settings.model_copy(update={"redis_url": f"unix://{tmp_path}/gone.sock"})
    submitter = Submitter(database, Publisher(gone), ())

    result = submitter.submit(new_ticket(n) for n in range(1500))

    assert (result.added, count(database)) == (1500, 1500)
    assert result.unpublished is not None
    assert f"Redis at unix://{tmp_path}/gone.sock cannot be reached" in result.unpublished


def test_the_message_about_redis_shows_no_password(database: Database, settings: Settings) -> None:
    gone = settings.model_copy(update={"redis_url": "redis://user:hunter2@127.0.0.1:1/0"})

    result = Submitter(database, Publisher(gone), ()).submit([new_ticket(1)])

    assert result.unpublished is not None
    assert "Redis at 127.0.0.1:1/0 cannot be reached" in result.unpublished
    assert "hunter2" not in result.unpublished


def test_a_full_lane_gets_no_more_messages_and_the_rows_wait(
    database: Database, settings: Settings
) -> None:
    small = settings.model_copy(update={"message_ids": 10, "lane_messages": 3})
    publisher = Publisher(small)
    submitter = Submitter(database, publisher, ())

    first = submitter.submit(new_ticket(n) for n in range(25))
    second = submitter.submit(new_ticket(n) for n in range(25, 50))
    live = submitter.submit([new_ticket(99, lane="live")])

    assert (first.unpublished, second.unpublished) == (None, None)
    assert [len(ids) for ids in messages(publisher, "bulk")] == [10, 10, 5]
    assert messages(publisher, "live") == [live.ids]  # the other lane has its own room
    assert count(database) == 51


def test_a_lane_with_little_room_gets_the_first_ids(database: Database, settings: Settings) -> None:
    small = settings.model_copy(update={"message_ids": 10, "lane_messages": 2})
    publisher = Publisher(small)

    result = Submitter(database, publisher, ()).submit(new_ticket(n) for n in range(25))

    assert messages(publisher, "bulk") == [result.ids[:10], result.ids[10:20]]


def test_a_large_meta_is_stored_as_it_is(submitter: Submitter, database: Database) -> None:
    meta = {"记录": ["通话" * 50] * 650, "none": None}
    assert len(json.dumps(meta, ensure_ascii=False)) > 65_000

    submitter.submit([new_ticket(n, meta=meta) for n in range(20)])

    assert stored(database)["t19"].meta == meta


def test_rules_lift_a_ticket_before_it_is_stored(publisher: Publisher, database: Database) -> None:
    Submitter(database, publisher, load_rules()).submit(
        [new_ticket(1, text="闻到煤气味"), new_ticket(2, priority=4)]
    )

    assert {name: row.priority for name, row in stored(database).items()} == {"t1": 1, "t2": 4}


def test_nothing_submitted_is_nothing_done(submitter: Submitter, publisher: Publisher) -> None:
    result = submitter.submit([])

    assert (result.added, result.ids, result.unpublished) == (0, [], None)
    assert messages(publisher, "bulk") == []


def test_a_submitter_opens_what_the_settings_name(
    settings: Settings, database: Database, publisher: Publisher
) -> None:
    submitter = Submitter.from_settings(settings)

    result = submitter.submit([new_ticket(1, text="闻到煤气味")])

    submitter.database.engine.dispose()
    assert stored(database)["t1"].priority == 1  # by the shipped rules
    assert messages(publisher, "bulk") == [result.ids]


def test_the_one_call_form_opens_and_closes_what_the_settings_name(
    settings: Settings, database: Database
) -> None:
    result = submit([new_ticket(1)], settings)

    assert (result.added, result.unpublished) == (1, None)
    assert list(stored(database)) == ["t1"]


def test_after_a_failed_publish_the_rest_of_the_file_is_left_to_the_relay(
    submitter: Submitter, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long file must not try a dead Redis once a chunk."""
    tries: list[object] = []

    def unreachable(ids: object) -> int:
        tries.append(ids)
        raise BrokerUnavailableError("gone")

    monkeypatch.setattr(publisher, "publish", unreachable)
    result = submitter.submit([new_ticket(1)])
    submitter.submit([new_ticket(2)], into=result)

    assert (result.added, result.unpublished, len(tries)) == (2, "gone", 1)


def test_an_erased_ticket_that_is_sent_again_is_refused_whatever_its_text(
    submitter: Submitter, database: Database
) -> None:
    submitter.submit([new_ticket(1, **SAYING)])
    erase(database)

    result = submitter.submit(
        [new_ticket(1, **SAYING), new_ticket(1, text="别的"), new_ticket(1, text=" ")]
    )

    assert (result.added, result.known, result.conflicts, result.ids) == (0, 0, [], [])
    assert [refused.field for refused in result.refused] == ["text", "external_id", "external_id"]
    assert marks_in(whole_record(database)) == []
