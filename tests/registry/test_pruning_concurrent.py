"""A promotion and a pruning at the same time: one waits for the other, and sees what it did."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import ModelVersionError
from db import Database, needed_versions, versions
from registry import champion
from registry.pruning import plan_pruning, prune
from tests.support.make import add_units
from tests.support.versions import register_constant

_SOON_S = 0.3
_PATIENCE_S = 30.0


@pytest.fixture
def names(database: Database, tmp_path: Path) -> list[str]:
    """Three versions; the second is champion, so nothing needs the first."""
    add_units(database)
    found = [register_constant(database, tmp_path, answers) for answers in ("AB", "BA", "CA")]
    champion.promote(database, found[1], tmp_path, actor="li")
    return found


def test_what_is_being_promoted_is_not_pruned(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with database.writing() as session:
            versions.promote(session, names[0], actor="li")
            pruning = pool.submit(prune, database, tmp_path, 0, actor="li")
            assert not threading.Event().wait(_SOON_S)
            assert not pruning.done()

        assert list(pruning.result(_PATIENCE_S).versions) == [names[1]]
    assert (tmp_path / names[0]).is_dir()


def test_what_is_being_pruned_is_not_promoted(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    def promote() -> None:
        champion.promote(database, names[0], tmp_path, actor="li")

    with ThreadPoolExecutor(1) as pool:
        with database.writing() as session:
            needed_versions.lock_versions(session)
            needed_versions.mark_pruned(session, [names[0]], actor="li")
            promoting = pool.submit(promote)
            assert not threading.Event().wait(_SOON_S)
            assert not promoting.done()

        with pytest.raises(ModelVersionError, match="was pruned on"):
            promoting.result(_PATIENCE_S)
    with database.reading() as session:
        assert versions.champion(session) == names[1]


def test_prunings_at_the_same_time_do_not_disturb_each_other(
    database: Database, tmp_path: Path, names: list[str]
) -> None:
    more = [register_constant(database, tmp_path, "AB") for _ in range(8)]
    for name in (*names, *more):
        for number in range(100):
            (tmp_path / name / str(number)).touch()

    with ThreadPoolExecutor(4) as pool:
        pruned = [pool.submit(prune, database, tmp_path, 0, actor="li") for _ in range(4)]
        plans = [pool.submit(plan_pruning, database, tmp_path, 0) for _ in range(4)]
        removed = {name for one in pruned for name in one.result(_PATIENCE_S).versions}
        assert all(plan.result(_PATIENCE_S).kept for plan in plans)

    assert removed == {names[0], names[2], *more[:-1]}
    assert {path.name for path in tmp_path.iterdir() if path.name in (*names, *more)} == {
        names[1],
        more[-1],
    }
    assert not list(tmp_path.glob(".*"))
