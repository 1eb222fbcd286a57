"""``paidan erase``: no copy is left in the home or in Redis."""

from pathlib import Path

import pytest

from core.broker import INGEST_REJECTS, INGEST_STREAM
from core.publisher import Publisher
from core.settings import Settings
from tests.support.cli import Cli, jsonl
from tests.support.private import TEXT
from tests.support.snapshots import text, texts_of
from training.snapshot.snapshot import Snapshot
from training.snapshot.store import newest_path, snapshots_in


def test_the_command_leaves_no_copy_in_the_home_or_in_redis(
    cli: Cli, home: Path, tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a ticket in SQLite, in the rejects of its home and in both streams
    monkeypatch.setenv("PAIDAN_REDIS_URL", redis_url)
    file = jsonl(tmp_path / "t.jsonl", {"external_id": "7", "text": TEXT * 900})
    assert cli("push", file).code == 0
    again = jsonl(tmp_path / "again.jsonl", {"external_id": "7", "text": TEXT})
    assert cli("push", again).code == 3
    redis = Publisher(Settings(redis_url=redis_url)).redis
    for stream in (INGEST_STREAM, INGEST_REJECTS):
        redis.xadd(stream, {"json": f'{{"external_id": "7", "source": "file", "text": "{TEXT}"}}'})
        redis.xadd(stream, {"json": f'{{"external_id": "7", "text": "{TEXT}'})  # cut off
        redis.xadd(stream, {"external_id": "8", "source": "file", "text": b"\xff"})

    # When it is erased
    assert cli("erase", "7", "--by", "officer", "--yes").code == 0

    # Then no file of the home holds it, and the streams keep the others' entries
    assert [p for p in home.rglob("*") if p.is_file() and TEXT.encode() in p.read_bytes()] == []
    assert (redis.xlen(INGEST_STREAM), redis.xlen(INGEST_REJECTS)) == (1, 1)
    refused = cli("push", file)
    assert (refused.code, "was erased" in refused.err, TEXT in refused.err) == (3, True, False)
    assert [p for p in home.rglob("*") if p.is_file() and TEXT.encode() in p.read_bytes()] == []
    assert "erased before" in cli("erase", "7", "--by", "officer", "--yes").out
    unknown = cli("erase", "9", "--by", "officer", "--yes")
    assert (unknown.code, "no ticket '9'" in unknown.err) == (1, True)


def test_the_command_takes_a_ticket_out_of_snapshots_and_says_of_how_many(
    cli: Cli, home: Path, tmp_path: Path
) -> None:
    # Given a snapshot of a file with a ticket's text
    rows = [{"external_id": str(n), "text": text(n), "unit": "AB"[n % 2]} for n in range(20)]
    labelled = jsonl(tmp_path / "labelled.jsonl", *rows)
    assert cli("data", "snapshot", "--data", labelled).code == 0
    assert cli("push", jsonl(tmp_path / "t.jsonl", {"external_id": "7", "text": text(7)})).code == 0

    erased = cli("erase", "7", "--by", "officer", "--yes")

    assert "2 rows of 2 snapshots and seeds were erased" in erased.out
    path = newest_path(snapshots_in(home / "models"))
    assert path is not None
    assert text(7) not in texts_of(Snapshot.load(path), "training", "validation", "frozen")
