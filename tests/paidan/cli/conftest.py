"""Fixtures: a record with a trained version and answered tickets, without servers."""

from pathlib import Path

import pytest

from core.settings import get_settings
from db import Database, open_database
from tests.support.cli import Cli
from worker.loop import ClaimLoop
from worker.resident import Resident

LABELLED = "text,unit\n" + "".join(
    f"{text} {n},{unit}\n"
    for n in range(20)
    for text, unit in (("路灯不亮 黑漆漆", "城管局"), ("自来水浑浊 有味道", "水务局"))
)
TICKETS = """external_id,title,text,unit
1,路灯,路灯不亮了,城管局
2,水,自来水浑浊,水务局
3,,你好,水务局
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "labelled.csv").write_text(LABELLED, "utf-8")
    (tmp_path / "tickets.csv").write_text(TICKETS, "utf-8")
    return tmp_path


@pytest.fixture
def answered(cli: Cli, files: Path) -> Path:
    """Three tickets answered by a trained linear model, in this process."""
    assert cli("train", "--data", files / "labelled.csv", "--promote").code == 0
    assert cli("push", files / "tickets.csv").code == 0
    settings = get_settings()
    database: Database = open_database(settings)
    resident = Resident(database, settings.resolved_models_dir)
    assert (
        ClaimLoop(database, resident, settings, lambda ids: None, "w").run([1, 2, 3], "bulk") == 3
    )
    database.engine.dispose()
    return files
