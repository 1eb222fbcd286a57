"""How Alembic reaches the database: the engine comes from ``db.schema.alembic_config``."""

from alembic import context
from sqlalchemy import Engine, text

from db.engine import BEGIN
from db.models import Base

# Any constant: concurrent migrations of one PostgreSQL database wait for each other on it.
_MIGRATION_LOCK = 0x70616964616E


def run(engine: Engine) -> None:
    """Run the migrations in one transaction."""
    engine = engine.execution_options(**{BEGIN: "IMMEDIATE"})
    with engine.connect() as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            # A migration may take its time, and waits for others.
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=engine.dialect.name == "sqlite",
            compare_type=True,
            compare_server_default=True,
        )
        context.run_migrations()


run(context.config.attributes["engine"])
