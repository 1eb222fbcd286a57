"""A unit is removed only while nothing refers to it."""

import pytest
from sqlalchemy import select

from core.errors import TaxonomyError
from db import Database, taxonomy, unit_removal
from db.models import Classification, Correction, Event, ModelVersion, Ticket
from db.taxonomy import UnitRecord
from tests.support.make import add_tickets, add_units
from tests.support.units import ALIKE, NFC, NFD, add_raw, load, names


def remove(database: Database, name: str, learned: dict[str, list[str]] | None = None) -> str:
    with database.writing() as session:
        return unit_removal.remove_unit(session, name, learned or {}, actor="li")


def test_an_unused_unit_is_removed_and_the_taxonomy_gets_a_new_version(database: Database) -> None:
    add_units(database)
    load(database, UnitRecord("D", "丁局"))  # version 2, which goes with it

    assert remove(database, "丁局\u200b") == "D"

    assert set(names(database)) == {"A", "B", "C"}
    with database.reading() as session:
        assert taxonomy.current_version(session) == 3
        event = session.scalars(select(Event).order_by(Event.id.desc())).first()
    assert event is not None
    assert (event.kind, event.actor, event.data) == ("units.removed", "li", {"code": "D"})
    assert remove(database, "A") == "A"  # no reference anywhere


def use(database: Database, what: str) -> None:
    [ticket] = add_tickets(database, 1)
    row = {"ticket_id": ticket, "round": 0}
    with database.writing() as session:
        if what == "a ticket":
            session.get_one(Ticket, ticket).unit_code = "A"
        elif what == "a model":
            session.add(ModelVersion(name="v", kind="constant", manifest_sha256="0" * 64))
            session.flush()
            answer = {"model_version": "v", "unit_code": "A", "probability": 1.0, "top_k": []}
            session.add(Classification(**row, **answer))
        elif what.startswith("a person"):
            column = {"decided for": "to_unit", "took": "from_unit", "was shown": "shown_unit"}
            units = {name: "A" for words, name in column.items() if words in what}
            session.add(Correction(**row, **units, actor="li", how="correct"))
    if what.startswith("another"):
        changed = UnitRecord("B", "乙局", parent="A")
        if "merged" in what:
            changed = UnitRecord("B", "乙局", status="merged", merged_into="A")
        elif "split" in what:
            changed = UnitRecord("B", "乙局", status="retired", split_into=("A", "C"))
        load(database, changed)


@pytest.mark.parametrize(
    "what",
    [
        *("a ticket", "a model", "a person decided for it", "a person took a ticket from it"),
        "a person was shown it",
        *("another unit has it as parent", "another unit is merged into it"),
        "another unit was split into it",
        "version v1 learned it",
    ],
)  # fmt: skip
def test_a_unit_in_use_is_not_removed_and_it_is_told_why(database: Database, what: str) -> None:
    add_units(database)
    use(database, what)
    learned = {"A": ["v1"]} if what.startswith("version") else {}

    with pytest.raises(TaxonomyError, match=f"'A' is in use: {what}.*'retired'"):
        remove(database, "A", learned)

    assert "A" in names(database)


def test_what_is_removed_must_be_clear(database: Database) -> None:
    add_raw(database, "城管局\u200b", "城管局\u200e")

    with pytest.raises(TaxonomyError, match=r"any of the units.*--look-alikes"):
        remove(database, "城管局")
    with pytest.raises(TaxonomyError, match="there is no unit '火星局'"):
        remove(database, "火星局")
    assert remove(database, "城管局\u200b") == "城管局\u200b"


def test_unused_look_alikes_are_removed_at_once(database: Database) -> None:
    add_raw(database, *ALIKE, "城管局", NFC, NFD, "水务局", "水 务局", "园林局")
    add_tickets(database, 1)
    with database.writing() as session:
        session.scalars(select(Ticket)).one().unit_code = NFD

    with database.writing() as session:
        learned = {"水务局": ["v1"], "水 务局": ["v1"]}
        removed, left = unit_removal.remove_look_alikes(session, learned, actor="li")

    assert set(names(database)) == {"城管局", NFD, "水务局", "水 务局", "园林局"}
    assert len(removed) == len(ALIKE) + 1
    assert left == [["水 务局", "水务局"]]
