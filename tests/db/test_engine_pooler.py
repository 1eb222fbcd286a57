"""Behind PgBouncer, which gives each transaction another session of the server."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from core.process import die_with_parent
from db import Database, corrections, tickets
from db.schema import check_schema, migrate
from tests.support.make import add_units, new_ticket
from tests.support.processes import wait_until
from tests.support.services import PostgresServer

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="there is no pgbouncer on this machine")


@pytest.fixture
def pooled_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty database behind a pooler with its own defaults, three sessions for all clients."""
    url = make_url(postgres.create(template=None))
    data = Path(str(url.query["host"]))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        config = Path(folder) / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = host={data} user={url.username}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = transaction\ndefault_pool_size = 3\n"
        )
        process = subprocess.Popen(
            [str(PGBOUNCER), str(config)],
            user=data.stat().st_uid,  # it does not run as root
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )
        try:
            wait_until(lambda: _listens(port), 10, "pgbouncer")
            yield f"postgresql://anyone@127.0.0.1:{port}/{url.database}"
        finally:
            process.terminate()
            process.wait(10)
            postgres.drop(url.render_as_string(hide_password=False))


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_the_record_works_behind_a_pooler_of_transactions(pooled_url: str) -> None:
    # Given tables made, and tickets stored, through the pooler
    database = Database(pooled_url)
    migrate(database)
    check_schema(database)
    add_units(database)
    with database.writing() as session:
        tickets.insert(session, [new_ticket(n) for n in range(120)])

    # When six clients, twice as many as there are sessions, decide all of them one by one
    def decide_every_sixth(first: int) -> None:
        own = Database(pooled_url)
        for number in range(first, 120, 6):
            with own.writing() as session:
                assert session.scalar(text("SHOW lock_timeout")) == "5s"
                ticket = corrections.find_ticket(session, "file", f"t{number}")
                assert ticket is not None
                corrections.decide(session, ticket, "A", actor="zhang")
        own.engine.dispose()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(decide_every_sixth, range(6)))

    # Then all is in
    with database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM corrections WHERE to_unit = 'A'")) == 120
    database.engine.dispose()
