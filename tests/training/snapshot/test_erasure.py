"""An erased ticket's texts are in no snapshot and no seed, and these verify as before."""

from pathlib import Path

import pytest

from core.settings import Settings
from db import Database, erasure
from db.models import Ticket
from db.run_tables import Run
from tests.support.answers import add_version
from tests.support.make import add_units
from tests.support.snapshots import add_decided, build, samples, text
from tests.support.training_runs import ask_for_run, run_of
from training.gate.tickets import text_hash
from training.progress import SILENT
from training.runs.material import snapshot_for
from training.runs.wish import Wish
from training.samples import Sample
from training.snapshot.erasure import Erased, erase_from_snapshots
from training.snapshot.report import report_lines
from training.snapshot.seed import load_seed, store_seed
from training.snapshot.snapshot import Snapshot
from training.snapshot.store import alone, newest_path, snapshots_in

GONE = text(3)


@pytest.fixture(autouse=True)
def _world(database: Database) -> None:
    add_units(database)
    add_version(database, "v")


def erase(database: Database, models_dir: Path, ticket: int, digest: str) -> Erased:
    with alone(snapshots_in(models_dir)):
        found = erase_from_snapshots(snapshots_in(models_dir), ticket, digest)
        with database.writing() as session:
            erasure.erase(session, session.get_one(Ticket, ticket), actor="officer")
    return found


def all_texts(models_dir: Path) -> set[str]:
    """Every text in every snapshot and seed."""
    folder = snapshots_in(models_dir)
    seeds = [path.stem for path in (folder / "seeds").glob("*.parquet")]
    found = {row.text for sha256 in seeds for row in load_seed(folder, sha256)}
    for path in folder.glob("0*"):
        found |= {row.text for part in Snapshot.load(path).parts.values() for row in part}
    return found


def test_it_is_in_no_snapshot_and_no_seed_and_both_verify(
    database: Database, tmp_path: Path
) -> None:
    # Given two snapshots with a ticket that a file labels and a person decided
    seed = samples(range(20))
    first = build(database, tmp_path, seed)
    ticket, other = add_decided(database, [(GONE, "B"), (text(50), "A")])
    second = build(database, tmp_path)
    assert GONE in all_texts(tmp_path)

    found = erase(database, tmp_path, ticket, text_hash(GONE))

    # Then no file holds it, and all else is as before
    assert (found.rows, found.files, found.unread) == (3, 3, [])
    assert all_texts(tmp_path) == {one.text for one in seed} - {GONE} | {text(50)}
    for snapshot in (first, second):
        now = Snapshot.load(snapshot.path, snapshot.sha256)  # by the old hash, too
        assert now.sha256 != snapshot.sha256
        assert Snapshot.load(snapshot.path, now.sha256).manifest.formerly == (snapshot.sha256,)
        assert "erased since: 1" in report_lines("", now.manifest.report)
        assert now.learned_before == snapshot.learned_before
    # Another one is erased, and the file comes again
    again = erase(database, tmp_path, other, text_hash(text(50)))
    assert again.rows == 1
    assert store_seed(snapshots_in(tmp_path), seed) == first.manifest.seed_sha256
    assert Snapshot.load(second.path, second.sha256).manifest.report["erased"] == 2
    assert GONE not in {
        row.text for part in build(database, tmp_path).parts.values() for row in part
    }
    assert GONE not in all_texts(tmp_path)


def test_what_was_erased_before_is_known_by_its_id(database: Database, tmp_path: Path) -> None:
    build(database, tmp_path, samples(range(20)))
    [ticket] = add_decided(database, [(GONE, "B")])
    build(database, tmp_path)

    found = erase(database, tmp_path, ticket, text_hash(""))

    assert found.rows == 3
    assert GONE not in all_texts(tmp_path)


def test_another_ticket_with_the_same_words_stays(database: Database, tmp_path: Path) -> None:
    ids = add_decided(database, [(text(n), "AB"[n % 2]) for n in range(100, 120)])
    build(database, tmp_path, samples(range(20)))

    erase(database, tmp_path, ids[0], text_hash(text(101)))

    assert text(100) not in all_texts(tmp_path)
    assert text(101) in all_texts(tmp_path)


def test_a_damaged_snapshot_is_told_and_the_others_are_done(
    database: Database, tmp_path: Path
) -> None:
    [ticket] = add_decided(database, [(GONE, "B")])
    first = build(database, tmp_path, samples(range(20)))
    (first.path / "training.parquet").write_bytes(b"")

    found = erase(database, tmp_path, ticket, text_hash(GONE))

    assert found.unread == [first.path]
    assert found.rows == 1  # of the seed


@pytest.mark.parametrize("new_one_there", [True, False])
def test_killed_between_two_renames_there_is_one_of_both(
    database: Database, tmp_path: Path, *, new_one_there: bool
) -> None:
    snapshot = build(database, tmp_path, samples(range(20)))
    folder, name = snapshots_in(tmp_path), snapshot.path.name
    replaced = snapshot.path.rename(folder / f".{name}.replaced")
    if new_one_there:
        snapshot.path.mkdir()

    with alone(folder):
        assert newest_path(folder) == snapshot.path

    assert not replaced.exists()
    assert (snapshot.path / "manifest.json").exists() != new_one_there


def test_a_run_that_was_interrupted_goes_on_without_it(database: Database, tmp_path: Path) -> None:
    # Given a run whose first attempt learned from a snapshot
    settings = Settings(home=tmp_path / "home")
    [ticket] = add_decided(database, [(GONE, "B")])
    seed = [Sample(text(n), "AB"[n % 2]) for n in range(20, 60)]
    run_id = ask_for_run(database, settings, seed)

    def take() -> Snapshot:
        run = run_of(database, run_id)
        return snapshot_for(database, settings, run, Wish.of(run.parameters), SILENT)

    first = take()
    with database.writing() as session:
        session.get_one(Run, run_id).snapshot_sha256 = first.sha256

    erase(database, settings.resolved_models_dir, ticket, text_hash(GONE))

    assert take().path == first.path
    assert GONE not in {row.text for part in take().parts.values() for row in part}
    assert take().sha256 != first.sha256  # so its checkpoints count no more
