"""Fixtures: every test of the record runs on SQLite and on PostgreSQL, with a real Valkey."""

import gc
import io
import logging
import os
import shutil

# As the command line does, before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:  # others use the other cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# The processes that tests start by the hundred compile each module once, not each of them anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

from bench.servers import running_redis
from core.logging import FieldFormatter
from core.process import uncollected
from core.publisher import Publisher
from core.settings import Settings, load_settings
from db import Database
from db.schema import migrate
from producer.stream.ingest import Ingest
from producer.submit import Submitter
from tests.support.ahead import Ahead
from tests.support.cli import Cli
from tests.support.make import add_units, promote_constant
from tests.support.once import made_once
from tests.support.recorder import Recorder, put_model
from tests.support.services import PostgresServer, running_postgres
from tests.support.streams import TicketStream
from worker.loop import ClaimLoop
from worker.resident import Resident

if TYPE_CHECKING:
    from registry.writer import TrainedVersion
    from tests.support.told import Told


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector from what is imported and collected: all of it stays."""
    with uncollected():
        found = yield
    gc.freeze()
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests that kill processes come first: one that begins last keeps the other cores idle.

    They mostly wait, so half of xdist's workers get them, while the others compute; each begins
    with a contiguous part.
    """
    rest = [item for item in items if item.get_closest_marker("kill") is None]
    kills = [item for item in items if item.get_closest_marker("kill") is not None]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    killing, size = max(1, workers // 2), len(items) // workers
    items.clear()
    for worker in range(workers):
        share = kills[worker::killing] if worker < killing else []
        taken = len(rest) if worker == workers - 1 else size - len(share)
        items += share + rest[:taken]
        rest = rest[taken:]


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the developer's shell reaches a test, and no test the developer's data.

    No answer is held back by chance, but where a test says so.
    """
    for name in [name for name in os.environ if name.startswith("PAIDAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PAIDAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PAIDAN_REVIEW_SAMPLE", "0")


@pytest.fixture
def only_listed_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let attention heed the lists of pages as compiled; uncompiled, it heeds the mask alone."""
    import torch  # here: most tests need none of it

    from classifier.model.kv_cache import PAGE
    from classifier.model.visibility import Visibility

    whole = Visibility.block_mask

    def listed(counts: torch.Tensor, pages: torch.Tensor) -> torch.Tensor:
        found = torch.zeros(pages.shape, dtype=torch.bool)
        for block, count in enumerate(counts.tolist()):
            found[block, pages[block, :count].long()] = True
        return found

    def block_mask(seen: Visibility) -> Any:
        made = whole(seen)
        partial = listed(seen.partial, seen.partial_pages)
        full = listed(seen.full, seen.full_pages)
        assert not (partial & full).any()
        visible = made.mask_mod

        def sees(batch: Any, head: Any, query: Any, row: Any) -> Any:
            at = query // PAGE, row // PAGE
            return (visible(batch, head, query, row) & partial[at]) | full[at]

        made.mask_mod = sees
        return made

    monkeypatch.setattr(Visibility, "block_mask", block_mask)


@pytest.fixture
def quick_attention(monkeypatch: pytest.MonkeyPatch, only_listed_pages: None) -> None:
    """Let the uncompiled runner attend by a fast kernel; ``test_compiled`` compares torch's own."""
    from classifier.model import decoder
    from tests.support.runners import dense_attention

    monkeypatch.setattr(decoder, "flex_attention", dense_attention)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database, copied for each test."""
    file = tmp_path_factory.mktemp("template") / "template.db"
    database = Database(f"sqlite:///{file}")
    migrate(database)
    database.engine.dispose()  # closes the last connection, which ends the write-ahead log
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty, migrated database, on both systems in turn."""
    if request.param == "sqlite":
        file = tmp_path / "test.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create()
    yield url
    server.drop(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.engine.dispose()


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with running_redis(tmp_path / "redis") as url:
        yield url


@pytest.fixture
def settings(tmp_path: Path, database_url: str, redis_url: str) -> Settings:
    """Settings that name both servers, with a home of the test's own."""
    return Settings(home=tmp_path / "home", database_url=database_url, redis_url=redis_url)


@pytest.fixture(scope="session")
def llm_training(tmp_path_factory: pytest.TempPathFactory) -> "tuple[TrainedVersion, Told]":
    """A trained LLM version and what its training said: one run for the whole suite."""

    def trained(folder: Path) -> "tuple[TrainedVersion, Told]":
        from tests.support.llm import train_test_llm
        from tests.support.told import Told

        told = Told()
        return train_test_llm(folder, told), told

    return made_once(tmp_path_factory, "llm", trained)


@pytest.fixture(scope="session")
def head_training(tmp_path_factory: pytest.TempPathFactory) -> "tuple[TrainedVersion, Told]":
    """The same with a head: trained with the names, it answers."""

    def trained(folder: Path) -> "tuple[TrainedVersion, Told]":
        from tests.support.llm import recipe_with_head, train_test_llm
        from tests.support.told import Told

        told = Told()
        return train_test_llm(folder, told, recipe_with_head()), told

    return made_once(tmp_path_factory, "head", trained)


@pytest.fixture
def head_version(head_training: "tuple[TrainedVersion, Told]") -> "TrainedVersion":
    return head_training[0]


@pytest.fixture
def llm_version(llm_training: "tuple[TrainedVersion, Told]") -> "TrainedVersion":
    return llm_training[0]


@pytest.fixture
def publisher(settings: Settings) -> Publisher:
    return Publisher(settings)


@pytest.fixture
def submitter(database: Database, publisher: Publisher) -> Submitter:
    return Submitter(database, publisher, ())


@pytest.fixture
def ingest(publisher: Publisher, submitter: Submitter, settings: Settings) -> Ingest:
    """A consumer whose group exists already."""
    made = Ingest(publisher.redis, submitter, settings, "one")
    assert made.take_batch(0) == 0
    return made


@pytest.fixture
def other(publisher: Publisher, submitter: Submitter, settings: Settings) -> Ingest:
    return Ingest(publisher.redis, submitter, settings, "other")


@pytest.fixture
def stream(publisher: Publisher) -> TicketStream:
    return TicketStream(publisher.redis)


@pytest.fixture
def told() -> Iterator[io.StringIO]:
    """All log lines, as Paidan writes them with ``-v``."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(FieldFormatter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(before)
    root.removeHandler(handler)


@pytest.fixture
def bare_stream(redis_url: str) -> TicketStream:
    """The stream without a database."""
    return TicketStream(Redis.from_url(redis_url))


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(monkeypatch, capsys)


@pytest.fixture
def home() -> Path:
    """The home of the commands that a test runs."""
    return load_settings().resolved_home


@pytest.fixture
def loop(database: Database, settings: Settings) -> ClaimLoop:
    add_units(database)
    promote_constant(database, settings.resolved_models_dir)
    resident = Resident(database, settings.resolved_models_dir)
    return ClaimLoop(database, resident, settings, lambda ids: None, "w")


@pytest.fixture
def ahead(loop: ClaimLoop) -> Ahead:
    loop.resident.refresh()
    recorder = Ahead(loop.resident.classifier)
    put_model(loop.resident, recorder)
    return recorder


@pytest.fixture
def model(loop: ClaimLoop) -> Recorder:
    loop.resident.refresh()
    recorder = Recorder(loop.resident.classifier)
    put_model(loop.resident, recorder)
    return recorder
