"""The resident model: what is loaded, exchanged or refused as champion and taxonomy move."""

from sqlalchemy import select

from db import Database, taxonomy
from db.models import Ticket
from paidan.settings import Settings
from tests.make import add_tickets, promote_constant
from worker.loop import ClaimLoop
from worker.resident import Resident


def test_a_promoted_version_takes_over_between_two_batches(
    loop: ClaimLoop, database: Database, settings: Settings
) -> None:
    first = loop.resident.refresh()
    name = promote_constant(database, settings.resolved_models_dir, ("B", "B", "A"))

    second = loop.resident.refresh()

    assert first is not second
    assert loop.resident.version == name


def test_the_same_version_is_not_loaded_again(loop: ClaimLoop) -> None:
    assert loop.resident.refresh() is loop.resident.refresh()


def test_a_damaged_version_is_refused_and_the_old_one_serves_on(
    loop: ClaimLoop, database: Database, settings: Settings
) -> None:
    before = loop.resident.refresh()
    name = promote_constant(database, settings.resolved_models_dir, ("B", "B", "A"))
    (settings.resolved_models_dir / name / "prior.json").write_text("{}")

    assert loop.resident.refresh() is before


def test_a_merged_unit_answers_for_what_it_took_over(loop: ClaimLoop, database: Database) -> None:
    loop.resident.refresh()
    with database.writing() as session:
        merged = taxonomy.UnitRecord("A", "甲局", status="merged", merged_into="C")
        taxonomy.import_units(session, [merged], actor="test")
    ids = add_tickets(database, 1)

    loop.run(ids, "bulk")

    with database.reading() as session:
        assert session.scalars(select(Ticket.unit_code)).all() == ["C"]


def test_a_unit_gone_without_successor_refuses_the_version(
    loop: ClaimLoop, database: Database, settings: Settings
) -> None:
    with database.writing() as session:
        gone = taxonomy.UnitRecord("A", "甲局", status="retired")
        taxonomy.import_units(session, [gone], actor="test")
    fresh = Resident(database, settings.resolved_models_dir)

    assert fresh.refresh() is None


def test_a_refused_version_is_tried_again_once_its_files_are_back(
    loop: ClaimLoop, database: Database, settings: Settings
) -> None:
    # Given a champion that was refused for a damaged file
    loop.resident.refresh()
    loop.resident.retry_after = 0.0
    name = promote_constant(database, settings.resolved_models_dir, ("B", "B", "A"))
    prior = settings.resolved_models_dir / name / "prior.json"
    intact = prior.read_bytes()
    prior.write_text("{}")
    loop.resident.refresh()
    assert loop.resident.version != name

    # When the file is restored
    prior.write_bytes(intact)
    loop.resident.refresh()

    # Then it serves
    assert loop.resident.version == name
