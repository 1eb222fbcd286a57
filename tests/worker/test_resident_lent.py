"""The resident model while a training run has the card: let go of, and taken back."""

from pathlib import Path

import pytest
from sqlalchemy import update

from db import Database, runs
from db.claims import new_token
from db.models import ModelVersion
from tests.support.make import add_units, promote_constant
from worker.resident import Resident
from worker.states import AwaitingProcess, Lent, Serving

CARD = "0: a card"


@pytest.fixture
def resident(database: Database, tmp_path: Path) -> Resident:
    add_units(database)
    return Resident(database, tmp_path, place=CARD)


def promote(database: Database, tmp_path: Path, kind: str = "llm") -> str:
    """A constant version that the record takes for an LLM."""
    name = promote_constant(database, tmp_path)
    with database.writing() as session:
        session.execute(update(ModelVersion).values(kind=kind))
    return name


def take_card(database: Database) -> str:
    token = new_token()
    with database.writing() as session:
        runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="ann")
        given = {"holder": "t", "device": CARD, "takes_card": True}
        assert runs.lease(session, token=token, seconds=60, **given)  # type: ignore[arg-type]
    return token


def give_back(database: Database, token: str) -> None:
    with database.writing() as session:
        runs.hand_back(session, token)


def moved(resident: Resident) -> bool:
    with resident.database.reading() as session:
        return resident.card_moved(session)


def test_a_model_is_let_go_of_with_its_process_and_the_next_one_loads_none(
    resident: Resident, database: Database, tmp_path: Path
) -> None:
    name = promote(database, tmp_path)
    resident.refresh()
    assert (resident.version, moved(resident)) == (name, False)

    token = take_card(database)

    # Then the batch at work is the last one, and the process ends
    with database.reading() as session:
        assert not resident.has_followed(session)
    assert moved(resident)
    assert resident.refresh() is None
    assert isinstance(resident.state, Lent)
    assert (resident.needs_new_process, resident.is_off_card) == (True, False)

    # And its successor loads nothing while the run has the card
    successor = Resident(database, tmp_path, place=CARD)
    assert successor.refresh() is None
    assert isinstance(successor.state, Lent)
    assert (successor.needs_new_process, successor.is_off_card) == (False, True)
    assert not moved(successor)

    # When the card is back, then another process begins with the model
    give_back(database, token)
    assert moved(successor)
    assert successor.refresh() is None
    assert isinstance(successor.state, AwaitingProcess)
    last = Resident(database, tmp_path, place=CARD)
    last.refresh()
    assert (type(last.state), last.version) == (Serving, name)


def test_a_champion_that_needs_no_card_answers_on(
    resident: Resident, database: Database, tmp_path: Path
) -> None:
    name = promote(database, tmp_path, "constant")
    resident.refresh()

    take_card(database)
    resident.refresh()

    assert (type(resident.state), resident.version) == (Serving, name)
    assert (moved(resident), resident.is_off_card) == (False, True)


def test_without_a_champion_the_card_is_free(resident: Resident, database: Database) -> None:
    take_card(database)

    resident.refresh()

    assert (type(resident.state), resident.needs_new_process) == (Lent, False)
    assert resident.is_off_card


def test_another_card_is_another_workers(database: Database, tmp_path: Path) -> None:
    add_units(database)
    name = promote(database, tmp_path)
    elsewhere = Resident(database, tmp_path, place="1: another")

    take_card(database)
    elsewhere.refresh()

    assert elsewhere.version == name
