"""Opening: the embedded database is made on the way, a server's must be migrated."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from core.errors import DatabaseUnavailableError, StorageError
from core.settings import Settings
from db import Database, open_database
from db.schema import SCHEMA_REVISION, schema_revision


def test_the_embedded_database_is_made_once_by_all_who_open_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")

    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: open_database(settings), range(4)))

    assert {schema_revision(database) for database in opened} == {SCHEMA_REVISION}
    assert (tmp_path / "home" / "paidan.db").is_file()


def test_a_server_without_tables_is_left_as_it_is(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'theirs.db'}"

    with pytest.raises(DatabaseUnavailableError, match=r"has no Paidan tables.*paidan migrate"):
        open_database(Settings(home=tmp_path / "home", database_url=url))

    assert schema_revision(Database(url)) is None
    assert not (tmp_path / "home").exists()


def test_a_migrated_database_is_opened_wherever_it_is(database_url: str, tmp_path: Path) -> None:
    database = open_database(Settings(home=tmp_path / "home", database_url=database_url))

    with database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM tickets")) == 0
    database.engine.dispose()


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageError, match=r"cannot be the home .*set PAIDAN_HOME"):
        open_database(Settings(home=tmp_path / "file" / "home"))
