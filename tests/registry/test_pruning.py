"""Pruning removes what nothing needs, and nothing else; after a crash it is finished."""

import os
import shutil
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from core.errors import ModelVersionError, StorageError
from db import Database, runs, versions
from db.models import Event
from db.run_tables import Run, RunState
from registry import champion
from registry.opening import check_version, load_version
from registry.pruning import Pruning, plan_pruning, prune
from tests.support.make import add_units
from tests.support.versions import register_constant


@pytest.fixture
def names(database: Database, tmp_path: Path) -> list[str]:
    """Five versions, of which the first four were champion in turn; the fifth is candidate."""
    add_units(database)
    found = [register_constant(database, tmp_path, answers) for answers in ("AB", "BA", "CA", "CB")]
    for name in found:
        champion.promote(database, name, tmp_path, actor="li")
    return [*found, register_constant(database, tmp_path, "AAB")]


def folders(models_dir: Path) -> set[str]:
    return {path.name for path in models_dir.glob("constant-*")}


def pruned(database: Database, models_dir: Path, keep: int = 1) -> Pruning:
    return prune(database, models_dir, keep, actor="li")


def test_a_plan_tells_what_would_go_and_changes_nothing(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    plan = plan_pruning(database, tmp_path, keep=1)

    assert list(plan.versions) == names[:2]
    assert plan.kept == {
        names[2]: "a rollback returns to it",
        names[3]: "champion",
        names[4]: "candidate",
    }
    assert plan.size == sum(
        file.stat().st_size for name in names[:2] for file in (tmp_path / name).iterdir()
    )
    assert folders(tmp_path) == set(names)
    check_version(database, names[0], tmp_path)


def test_what_nothing_needs_goes_and_its_row_says_so(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    assert list(pruned(database, tmp_path).versions) == names[:2]

    assert folders(tmp_path) == set(names[2:])
    assert list(tmp_path.glob(".*")) == []
    with database.reading() as session:
        rows = versions.list_versions(session)
        assert [row.pruned_at is not None for row in rows] == [True, True, False, False, False]
        [event] = session.scalars(select(Event).where(Event.kind == "model.pruned"))
        assert (event.actor, event.data) == ("li", {"versions": sorted(names[:2])})
    assert list(pruned(database, tmp_path).versions) == []


def test_a_pruned_version_is_neither_opened_nor_promoted(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    shutil.copytree(tmp_path / names[0], tmp_path / "backup")
    pruned(database, tmp_path)
    (tmp_path / "backup").rename(tmp_path / names[0])  # what was promised to be gone stays gone

    for refused in (
        lambda: load_version(database, names[0], tmp_path),
        lambda: champion.promote(database, names[0], tmp_path, actor="li", force=True),
    ):
        with pytest.raises(ModelVersionError, match=r"was pruned on .* its files are gone"):
            refused()


def test_a_rollback_reaches_what_was_kept_for_it_and_no_further(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    pruned(database, tmp_path, keep=1)

    assert champion.rollback(database, tmp_path, actor="li").now == names[2]
    with pytest.raises(ModelVersionError, match=f"{names[1]} was pruned"):
        champion.rollback(database, tmp_path, actor="li")


def test_a_pruning_that_was_cut_off_is_finished_by_the_next(
    database: Database, tmp_path: Path, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given one that died while it deleted a folder, with another one untouched
    def die(path: Path) -> None:
        (path / "manifest.json").unlink()
        raise OSError(5, "Input/output error", str(path))

    with monkeypatch.context() as patched:
        patched.setattr("registry.pruning.shutil.rmtree", die)
        with pytest.raises(StorageError, match="cannot be removed: Input/output error"):
            pruned(database, tmp_path)
    assert folders(tmp_path) == set(names[1:])
    assert len(list(tmp_path.glob(".*.pruned"))) == 1

    # When it is pruned again
    again = pruned(database, tmp_path)

    # Then nothing is left
    assert list(again.versions) == [names[1]]
    assert folders(tmp_path) == set(names[2:])
    assert list(tmp_path.glob(".*")) == []


def test_what_a_killed_training_left_goes_a_day_later(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    for name in (".llm-old.12.partial", ".llm-new.34.partial", ".run-7"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").touch()
    long_ago = time.time() - 2 * 86_400
    for name in (".llm-old.12.partial", ".run-7"):
        os.utime(tmp_path / name, (long_ago, long_ago))

    pruned(database, tmp_path)

    assert {path.name for path in tmp_path.glob(".*")} == {".llm-new.34.partial", ".run-7"}
    assert names[3] in folders(tmp_path)


def test_the_linear_version_that_answers_without_an_llm_stays(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    # Given two linear versions, of which the newer is damaged
    with database.writing() as session:
        for name in names[:2]:
            versions.get_version(session, name).kind = "linear"
    (tmp_path / names[1] / "prior.json").unlink()

    found = pruned(database, tmp_path)

    assert found.kept[names[0]] == "it answers while an LLM does not work"
    assert list(found.versions) == [names[1]]


def test_nothing_is_pruned_while_a_linear_version_cannot_be_read(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    with database.writing() as session:
        versions.get_version(session, names[0]).kind = "linear"
    (tmp_path / names[0]).rename(tmp_path / "elsewhere")
    (tmp_path / names[0]).symlink_to("x" * 256)  # a name for which no system looks
    before = folders(tmp_path)

    with pytest.raises(StorageError, match="cannot be read"):
        prune(database, tmp_path, 0, actor="li")

    assert folders(tmp_path) == before
    with database.reading() as session:
        assert not any(one.pruned_at for one in versions.list_versions(session))


def test_what_lies_there_without_a_row_is_left_alone(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    assert names
    made = tmp_path / "constant-20260101-000000-abcdef"  # a run has moved it and not entered it
    made.mkdir()
    (tmp_path / "bases").mkdir()

    pruned(database, tmp_path, keep=0)

    assert made.is_dir()
    assert (tmp_path / "bases").is_dir()


def test_the_snapshot_of_pruned_versions_goes_and_the_newest_stays(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    # Given a snapshot for each of the first three versions and one for the next training
    hashes = [f"{number:012x}" for number in range(1, 5)]
    for number, sha256 in enumerate(hashes, 1):
        (tmp_path / "snapshots" / f"{number:06d}-{sha256}").mkdir(parents=True)
    with database.writing() as session:
        for name, sha256 in zip([*names[:3], names[0]], hashes, strict=True):
            run_id = runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="li")
            run = session.get_one(Run, run_id)
            run.state, run.version, run.snapshot_sha256 = RunState.DONE, name, sha256 + "0" * 52

    # When the first two versions are pruned
    found = pruned(database, tmp_path)

    # Then theirs are gone, and the newest is there though a pruned version was made from it
    assert list(found.snapshots) == [f"{n:06d}-{hashes[n - 1]}" for n in (1, 2)]
    left = {path.name for path in (tmp_path / "snapshots").iterdir()}
    assert left == {f"{n:06d}-{hashes[n - 1]}" for n in (3, 4)}


def test_of_a_link_to_a_version_elsewhere_the_link_goes(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    elsewhere = tmp_path / "elsewhere" / names[0]
    elsewhere.parent.mkdir()
    shutil.move(tmp_path / names[0], elsewhere)
    (tmp_path / names[0]).symlink_to(elsewhere)

    first = prune(database, tmp_path, 0, actor="li")
    again = prune(database, tmp_path, 0, actor="li")

    assert names[0] in first.versions
    assert list(again.versions) == []
    assert not (tmp_path / names[0]).is_symlink()
    assert (elsewhere / "manifest.json").is_file()
    assert not list(tmp_path.glob(".*"))
