"""How right a version is on the demo's tickets."""

from pathlib import Path

from bench import records
from core.settings import Settings
from db import Database
from paidan.demo.home import Demo
from paidan.demo.swap import accuracy_of
from paidan.embedded.stack import EmbeddedStack
from paidan.sample.generator import generate, load_units


def test_every_answer_counts_held_back_or_not(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    tickets = list(generate(40))
    units = {unit.code: unit.name for unit in load_units()}
    records.add_units(database, units, actor="test")
    commonest = max(
        {t.unit for t in tickets}, key=lambda code: sum(t.unit == code for t in tickets)
    )
    version = records.promote_constant(
        database, settings.resolved_models_dir, units, [commonest, commonest, "U001"], actor="test"
    )
    demo = Demo(EmbeddedStack(settings), database, settings, [])

    found = accuracy_of(demo, version, tickets)

    assert found == sum(ticket.unit == commonest for ticket in tickets) / len(tickets)
