"""What a program hands to ``submit``: each ticket is judged by itself, alike on both databases."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from core.publisher import Publisher
from db import Database
from db.models import Ticket
from producer.submit import Submitter
from tests.support.cli import Cli, write
from tests.support.make import add_units, new_ticket

SHARED: list[Any] = ["x"]
for _ in range(40):  # 2^40 values, if they are counted one by one
    SHARED = [SHARED, SHARED]
CYCLE: dict[str, Any] = {}
CYCLE["again"] = CYCLE

BAD: list[tuple[str, Any]] = [
    ("source", ""),
    ("source", "s" * 101),
    ("source", "s\x00"),
    ("source", None),
    ("external_id", " "),
    ("external_id", "i" * 201),
    ("external_id", 7),
    ("external_id", "\ud800"),
    ("text", None),
    ("text", b"bytes"),
    ("text", "  "),
    ("text", "a\x00b"),
    ("text", "half \udfff"),
    ("text", "x" * 50_001),
    ("title", b"bytes"),
    ("title", "x" * 50_001),
    ("district", "d" * 201),
    ("district", "d\x00"),
    ("unit", "u" * 201),
    ("lane", "fast"),
    ("lane", None),
    ("lane", ["bulk"]),
    ("priority", 0),
    ("priority", 6),
    ("priority", "2"),
    ("priority", True),
    ("priority", 2.0),
    ("received_at", datetime(2026, 3, 1)),  # noqa: DTZ001
    ("received_at", "2026-03-01"),
    ("due_at", datetime(1, 1, 1, tzinfo=UTC)),
    ("due_at", datetime(9999, 12, 31, tzinfo=UTC)),
    ("meta", None),
    ("meta", [1]),
    ("meta", {"a": "\x00"}),
    ("meta", {"\x00": 1}),
    ("meta", {"a": float("nan")}),
    ("meta", {"a": 10**5000}),
    ("meta", {"a": b"bytes"}),
    ("meta", {"a": datetime(2026, 3, 1, tzinfo=UTC)}),
    ("meta", {1: "a"}),
    ("meta", {"a": SHARED}),
    ("meta", CYCLE),
    ("meta", {"a": ["x" * 1_000_000] * 3}),
]


def test_bad_tickets_are_refused_one_by_one_and_the_good_ones_go_in(
    database: Database, publisher: Publisher
) -> None:
    bad = [new_ticket(n, **{field: value}) for n, (field, value) in enumerate(BAD, 10)]
    good = [
        new_ticket(1),
        new_ticket(2, meta={"a": [1, 2.5, None, True, {"b": "漏"}], "b": ("t",)}),
    ]

    result = Submitter(database, publisher, ()).submit([good[0], *bad, good[1]])

    assert [refused.field for refused in result.refused] == [field for field, _ in BAD]
    assert [refused.ticket for refused in result.refused] == bad
    assert (result.added, len(result.ids)) == (2, 2)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Ticket)) == 2


def test_a_reason_quotes_no_text(database: Database, publisher: Publisher) -> None:
    values = {"text": "密\x00语", "district": "密语\x00", "meta": {"密语": "\x00"}, "lane": "密语"}
    bad = [new_ticket(n, **{field: value}) for n, (field, value) in enumerate(values.items())]

    refused = Submitter(database, publisher, ()).submit(bad).refused

    assert len(refused) == len(values)
    assert not any("密" in r.reason or "语" in r.reason for r in refused)


@pytest.fixture
def corrections(cli: Cli, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    def correct(url: str, *rows: dict[str, object]) -> Any:
        monkeypatch.setenv("PAIDAN_DATABASE_URL", url)
        lines = "\n".join(json.dumps(row) for row in rows)  # in ASCII, half a surrogate too
        return cli("correct", write(tmp_path / "c.jsonl", lines), "--by", "zhang")

    return correct


def test_a_correction_with_nul_is_refused_by_its_line_and_the_rest_is_entered(
    corrections: Callable[..., Any], database: Database, publisher: Publisher
) -> None:
    add_units(database)
    Submitter(database, publisher, ()).submit([new_ticket(1), new_ticket(2)])

    ran = corrections(
        database.url.render_as_string(hide_password=False),
        {"external_id": "t1", "unit": "A"},
        {"external_id": "t\x002", "unit": "A"},
        {"external_id": "t2", "unit": "A\x00"},
        {"external_id": "t2", "unit": "A", "source": "fi\x00le"},
        {"external_id": "t2", "unit": "\ud800"},
        {"external_id": "t2", "unit": "B"},
    )

    assert ran.code == 3
    assert "corrected 2" in ran.out
    assert [f"line {line}: a NUL character or half" in ran.err for line in (2, 3, 4, 5)] == [
        True
    ] * 4
    assert "Traceback" not in ran.err


def test_a_long_file_name_gets_a_rejects_file_of_its_own(
    cli: Cli, home: Any, tmp_path: Any
) -> None:
    for stem in ("n" * 230, "名" * 80, "名n" * 60 + "n"):
        name = f"{stem}.csv"
        file = write(tmp_path / name, "text,lane\n漏水,fast\n")
        ran = cli("push", file)
        assert (ran.code, "rows refused: 1" in ran.err) == (3, True)

    made = [path.name for path in (home / "rejects").iterdir()]
    assert len(made) == 3
    assert all(len(name.encode()) <= 255 and name.endswith(".jsonl") for name in made)
    assert sorted(name[0] for name in made) == ["n", "名", "名"]
