"""The schema: migrations from nothing, back, and in agreement with the models."""

import json
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text

from core.errors import DatabaseUnavailableError, RecordRefusedError
from db import Database, calibrations, versions, workers
from db.models import Base, Event, Ticket
from db.schema import SCHEMA_REVISION, alembic_config, check_schema, migrate, schema_revision
from tests.support.make import add_tickets, add_units, claim_batch
from tests.support.services import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return Database(f"sqlite:///{tmp_path / 'empty.db'}")
    server: PostgresServer = request.getfixturevalue("postgres")
    return Database(server.create(template=None))


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
    assert schema_revision(empty) == SCHEMA_REVISION
    empty.engine.dispose()


def test_revision_in_the_code_is_the_newest_migration(empty: Database) -> None:
    assert ScriptDirectory.from_config(alembic_config(empty)).get_heads() == [SCHEMA_REVISION]
    empty.engine.dispose()


def test_an_unmigrated_database_is_refused_with_the_command_that_mends_it(empty: Database) -> None:
    with pytest.raises(DatabaseUnavailableError, match="paidan migrate"):
        check_schema(empty)
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


@pytest.mark.parametrize(
    "change", ["UPDATE calibrations SET content = '{}'", "DELETE FROM calibrations"]
)
def test_calibrations_can_be_neither_changed_nor_deleted(database: Database, change: str) -> None:
    with database.writing() as session:
        versions.register(session, name="v", kind="constant", manifest_sha256="0", metrics={})
        calibrations.put(session, "v", {}, {}, actor="eve")

    with pytest.raises(RecordRefusedError, match=r"P0001|_TRIGGER"), database.writing() as session:
        session.execute(text(change))


def test_a_record_of_before_is_upgraded_with_its_rows_and_brought_back(empty: Database) -> None:
    # Given a record of the first schema, with a ticket that waits and one whose model spoke
    config = alembic_config(empty)
    command.upgrade(config, "0001")
    reason = "3 attempts: it cannot be classified: ValueError: 张三 says"
    with empty.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO workers (name, pid, device, classified, started_at, "
                "heartbeat_at) VALUES ('w', 1, 'cpu', 7, '2026-01-01', '2026-01-01')"
            )
        )
        for number, status, why in ((1, "queued", None), (2, "dead", reason)):
            connection.execute(
                text(
                    "INSERT INTO tickets (id, source, external_id, text, submitted_at, lane, "
                    "priority, due_at, meta, estimated_tokens, round, status, dead_reason, "
                    "queued_at, attempts) VALUES (:id, 's', :key, '路灯', "
                    "'2026-01-01 00:00:00.000000', 'bulk', 3, '9999-12-31 00:00:00.000000', "
                    "'{}', 5, 0, :status, :why, "
                    "'2026-01-01 00:00:00.000000', 0)"
                ),
                {"id": number, "key": f"t{number}", "status": status, "why": why},
            )
        for data in (json.dumps({"reason": reason}), "{}"):
            connection.execute(
                text(
                    "INSERT INTO events (happened_at, kind, ticket_id, data) VALUES "
                    "('2026-01-01 00:00:00.000000', 'ticket.dead', 2, :data)"
                ),
                {"data": data},
            )

    # When it is brought to the newest
    migrate(empty)

    # Then what waits can be claimed, and what the model said is gone
    assert claim_batch(empty).ids == [1]
    with empty.reading() as session:
        assert [w.classified for w in workers.list_workers(session)] == [7]
        kept = session.scalars(select(Ticket.dead_reason).where(Ticket.id == 2)).one()
        told = session.scalars(select(Event.data).order_by(Event.id)).all()
    assert kept == "3 attempts: it cannot be classified: ValueError"
    assert told == [{"reason": kept}, {}]

    # And the way back keeps the rows
    command.downgrade(config, "0001")
    with empty.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM tickets")).scalar() == 2
    empty.engine.dispose()
