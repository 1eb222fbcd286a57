"""The schema: migrations from nothing, back, and in agreement with the models."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from db import Database
from db.models import Base
from db.session import SCHEMA_REVISION, alembic_config, migrate
from paidan.errors import DatabaseUnavailableError, RecordRefusedError
from tests.make import add_tickets, add_units
from tests.services import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return Database(f"sqlite:///{tmp_path / 'empty.db'}")
    server: PostgresServer = request.getfixturevalue("postgres")
    return Database(server.create(migrated=False))


def test_upgrade_from_empty_makes_what_the_models_say(empty: Database) -> None:
    migrate(empty)

    with empty.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []
    empty.engine.dispose()


def test_downgrade_to_base_leaves_nothing(empty: Database) -> None:
    migrate(empty)
    command.downgrade(alembic_config(empty), "base")

    assert inspect(empty.engine).get_table_names() == ["alembic_version"]
    migrate(empty)  # and up again: nothing was left that stands in the way
    assert empty.schema_revision() == SCHEMA_REVISION
    empty.engine.dispose()


def test_revision_in_the_code_is_the_newest_migration(empty: Database) -> None:
    assert ScriptDirectory.from_config(alembic_config(empty)).get_heads() == [SCHEMA_REVISION]
    empty.engine.dispose()


def test_an_unmigrated_database_is_refused_with_the_command_that_mends_it(empty: Database) -> None:
    with pytest.raises(DatabaseUnavailableError, match="paidan migrate"):
        empty.check_schema()
    empty.engine.dispose()


@pytest.mark.parametrize(
    "change", ["UPDATE corrections SET actor = 'x'", "DELETE FROM corrections"]
)
def test_corrections_can_be_neither_changed_nor_deleted(database: Database, change: str) -> None:
    add_units(database)
    [ticket] = add_tickets(database, 1)
    with database.writing() as session:
        session.execute(
            text(
                "INSERT INTO corrections (ticket_id, round, to_unit, actor, how, corrected_at)"
                " VALUES (:ticket, 0, 'A', 'eve', 'correct', '2026-01-01 00:00:00')"
            ),
            {"ticket": ticket},
        )

    with pytest.raises(RecordRefusedError, match=r"P0001|_TRIGGER"), database.writing() as session:
        session.execute(text(change))
