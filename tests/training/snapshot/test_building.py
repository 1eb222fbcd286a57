"""A snapshot is built: what is judged is never taught, and what was taught never judges."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import StorageError
from db import Database, taxonomy
from db.models import Ticket
from db.provenance import Asked
from db.taxonomy import UnitRecord
from tests.support.answers import add_version
from tests.support.full_disk import files_up_to
from tests.support.make import UNITS, add_units
from tests.support.snapshots import HALF, add_decided, build, like, samples, text, texts_of
from tests.support.told import Told
from training.near_duplicates import group_near_duplicates
from training.samples import Sample
from training.snapshot.building import build_snapshot
from training.snapshot.settings import SnapshotSettings
from training.snapshot.snapshot import Snapshot

LEARNED = ("training", "validation")


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    add_version(database, "v")


def assert_nothing_leaks(snapshot: Snapshot) -> None:
    judged = texts_of(snapshot, "frozen", "recent")
    learned = texts_of(snapshot, *LEARNED)
    groups = group_near_duplicates([*judged, *learned]).tolist()
    assert not set(groups[: len(judged)]) & set(groups[len(judged) :])


def test_every_row_is_in_one_part_or_left_out_and_told(database: Database, tmp_path: Path) -> None:
    add_decided(database, [(text(n), "AB"[n % 2]) for n in range(100, 150)])
    told = Told()

    snapshot = build_snapshot(
        database, samples(range(60)), models_dir=tmp_path, settings=HALF, progress=told
    )

    counts = {part: len(rows) for part, rows in snapshot.parts.items()}
    assert sum(counts.values()) == 110
    assert min(counts.values()) > 0
    assert_nothing_leaks(snapshot)
    assert snapshot.manifest.report["read"] == {"seed": 60, "decisions": 50}
    assert told.lines[0].startswith(f"snapshot {snapshot.path.name}: training")
    assert [unit.code for unit in snapshot.units] == ["A", "B", "C"]


def test_the_same_record_gives_the_same_snapshot(database: Database, tmp_path: Path) -> None:
    add_decided(database, [(text(n), "AB"[n % 2]) for n in range(100, 130)])
    seed = samples(range(60))
    first = build(database, tmp_path / "one", seed)

    again = build(database, tmp_path / "one")
    elsewhere = build(database, tmp_path / "two", seed)

    assert again.path == first.path
    assert elsewhere.sha256 == first.sha256
    assert Snapshot.load(first.path, first.sha256).parts == first.parts


def test_the_frozen_set_stays_and_grows_up_to_its_cap(database: Database, tmp_path: Path) -> None:
    capped = SnapshotSettings(frozen_share=0.5, frozen_cap=30, seed_cap=10)
    first = build(database, tmp_path, samples(range(60)), capped)
    add_decided(database, [(text(n), "AB"[n % 2]) for n in range(100, 120)])
    second = build(database, tmp_path, settings=capped)
    add_decided(database, [(text(n), "AB"[n % 2]) for n in range(200, 300)])
    third = build(database, tmp_path, settings=capped)

    frozen = [[one.text for one in found.frozen] for found in (first, second, third)]
    assert [len(texts) for texts in frozen] == [10, len(frozen[1]), 30]
    assert 10 < len(frozen[1]) < 30
    assert frozen[2][: len(frozen[1])] == frozen[1]
    assert frozen[1][:10] == frozen[0]
    assert third.manifest.number == 3
    assert third.manifest.parent == second.sha256
    assert_nothing_leaks(third)


def test_near_duplicates_of_a_frozen_ticket_are_never_taught(
    database: Database, tmp_path: Path
) -> None:
    first = build(database, tmp_path, samples(range(40)))
    numbers = [n for n in range(40) if text(n) in texts_of(first, "frozen")]
    add_decided(database, [(like(n), "AB"[n % 2]) for n in numbers])

    second = build(database, tmp_path)

    assert texts_of(second, "frozen") == texts_of(first, "frozen")
    assert not texts_of(second, *LEARNED) & {like(n) for n in numbers}
    left_out = second.manifest.report["left_out"]
    assert left_out == {"near-duplicate of a frozen ticket": len(numbers)}


def test_what_was_taught_once_never_judges(database: Database, tmp_path: Path) -> None:
    nothing = SnapshotSettings(frozen_share=0, recent_share=0)
    add_decided(database, [(text(n), "AB"[n % 2]) for n in range(100, 130)])
    first = build(database, tmp_path, samples(range(40)), nothing)
    add_decided(database, [(like(n), "AB"[n % 2]) for n in range(100, 130)])
    add_decided(database, [(text(n), "AB"[n % 2]) for n in range(200, 240)])

    second = build(database, tmp_path)

    assert len(first.training) + len(first.validation) == 70
    new = {text(n) for n in range(200, 240)}
    assert texts_of(second, "frozen", "recent") <= new
    assert len(second.frozen) > 5
    assert len(second.recent) > 5
    assert not {one.text for one in second.recent} & texts_of(first, *LEARNED)


def test_what_the_champion_learned_elsewhere_never_judges(
    database: Database, tmp_path: Path
) -> None:
    seed = samples(range(40))
    add_decided(database, [(text(n), "AB"[n % 2]) for n in range(100, 130)])

    first = build(database, tmp_path, seed, learned=seed)
    second = build(database, tmp_path)  # it is remembered

    assert first.frozen
    assert not texts_of(second, "frozen", "recent") & {one.text for one in seed}


def test_recent_tickets_are_decisions_with_what_is_known_of_them(
    database: Database, tmp_path: Path
) -> None:
    add_decided(database, [(text(n), "AB"[n % 2]) for n in range(100, 140)])
    add_decided(database, [(text(n), "A") for n in range(200, 240)], Asked.BULK)

    snapshot = build(database, tmp_path, samples(range(40)))

    assert texts_of(snapshot, "recent") <= {text(n) for n in range(100, 140)}
    assert {one.asked for one in snapshot.recent} == {"unanswered"}
    assert {one.asked for one in snapshot.frozen} == {"unanswered", "file"}
    assert not texts_of(snapshot, "validation") & {text(n) for n in range(200, 240)}
    weights = {one.text: one.weight for one in snapshot.training}
    bulk = {text(n) for n in range(200, 240)}
    assert {weights[one] for one in bulk} == {0.3}
    assert {weight for one, weight in weights.items() if one not in bulk} == {1.0}


def test_a_person_beats_the_file_also_in_the_frozen_set(database: Database, tmp_path: Path) -> None:
    first = build(database, tmp_path, samples(range(40), "A") + samples(range(50, 60), "B"))
    judged = first.frozen[0].text
    taught = first.training[0].text

    add_decided(database, [(judged, "C"), (taught, "C")])
    second = build(database, tmp_path)

    units = {row.text: (row.unit, row.origin) for part in second.parts.values() for row in part}
    assert units[judged] == units[taught] == ("C", "decision")
    assert second.frozen[0].text == judged


@pytest.mark.parametrize("gone", ["erased", "retired"])
def test_what_is_gone_is_in_no_part_any_more(database: Database, tmp_path: Path, gone: str) -> None:
    ids = add_decided(database, [(text(n), "ABC"[n % 3]) for n in range(100, 160)])
    first = build(database, tmp_path)
    with database.writing() as session:
        if gone == "erased":
            for ticket in ids[:30]:
                row = session.get_one(Ticket, ticket)
                row.text, row.erased_at = "", row.submitted_at
        else:
            retired = UnitRecord("C", UNITS["C"], status="retired")
            taxonomy.import_units(session, [retired], actor="x")

    second = build(database, tmp_path)

    lost = {row.text for part in first.parts.values() for row in part} - {
        row.text for part in second.parts.values() for row in part
    }
    expected = range(100, 130) if gone == "erased" else range(101, 160, 3)
    assert lost == {text(n) for n in expected}
    assert len(second.frozen) < len(first.frozen)


@pytest.mark.parametrize("seed", [True, False], ids=["seed", "parts"])
def test_a_full_disk_is_told_and_leaves_nothing(
    database: Database, tmp_path: Path, seed: bool
) -> None:
    given = samples(range(60))
    if not seed:
        build(database, tmp_path, given)
        add_decided(database, [(text(n), "A") for n in range(100, 140)])
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(StorageError, match=r"snapshots.*free space"), files_up_to(1000):
        build(database, tmp_path, given if seed else None)

    left = [path for path in sorted(tmp_path.rglob("*")) if path.is_file() and path not in before]
    assert [path.name for path in left if path.name != ".lock"] == []


def test_what_a_killed_builder_left_is_cleared_away(database: Database, tmp_path: Path) -> None:
    left = tmp_path / "snapshots" / ".000001-0123456789ab.1234.partial"
    left.mkdir(parents=True)
    (left / "training.parquet").write_text("half")

    snapshot = build(database, tmp_path, samples(range(20)))

    assert snapshot.manifest.number == 1
    assert not left.exists()


def test_two_builders_at_once_make_one_snapshot(database: Database, tmp_path: Path) -> None:
    seed = samples(range(60))

    with ThreadPoolExecutor(2) as pool:
        built = list(pool.map(lambda _: build(database, tmp_path, seed), range(2)))

    assert built[0].path == built[1].path
    assert Snapshot.load(built[0].path).sha256 == built[0].sha256


def test_without_anything_labelled_the_snapshot_is_empty(
    database: Database, tmp_path: Path
) -> None:
    snapshot = build(database, tmp_path, [Sample(" ", "A"), Sample(text(1), "Z")])

    assert {part: list(rows) for part, rows in snapshot.parts.items()} == {
        "training": [],
        "validation": [],
        "frozen": [],
        "recent": [],
    }
    assert snapshot.manifest.report["left_out"] == {"no text": 1, "unit gone": 1}
