"""Real processes: the relay has a worker answer in the shadow, while it answers tickets."""

from pathlib import Path

import pytest

from core.publisher import Publisher
from core.settings import Settings
from db import Database
from producer import Submitter
from tests.support.make import add_units, new_ticket
from tests.support.processes import relay, wait_until, worker
from tests.support.record import statuses
from tests.support.shadow import put_in_shadow, shadow_answers

pytestmark = pytest.mark.kill


def answered(database: Database) -> int:
    return sum(unit is not None for *_, unit in shadow_answers(database))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # tests/worker has both
def test_tickets_are_answered_by_the_champion_then_in_the_shadow(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    add_units(database)
    put_in_shadow(database, settings.resolved_models_dir)
    settings = settings.model_copy(update={"relay_sweep": 0.5})
    submitter = Submitter(database, Publisher(settings), ())

    with worker(settings, tmp_path / "worker.log"), relay(settings, tmp_path / "relay.log"):
        for sent in (40, 80):
            submitter.submit([new_ticket(n) for n in range(sent - 40, sent)])
            wait_until(
                lambda sent=sent: answered(database) == sent, 60, "all is answered in the shadow"
            )

    assert {row[1:] for row in shadow_answers(database)} == {("A", "B")}
    assert statuses(database) == ["routed"] * 80
