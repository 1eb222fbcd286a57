"""A promotion and a pruning at the same time: one waits for the other, and sees what it did."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import ModelVersionError
from db import Database, needed_versions, versions
from registry import champion
from registry.pruning import prune
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
