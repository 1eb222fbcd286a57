"""Spellings of one unit: found by how they look, never added twice, removed while unused."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core.errors import TaxonomyError
from db import Database, taxonomy, unit_removal
from db.models import Classification, Correction, Event, ModelVersion, Ticket, Unit
from db.taxonomy import UnitRecord
from db.unit_index import UnitIndex
from paidan.cli.train import add_learned_units
from tests.support.make import add_tickets, add_units

ALIKE = ("城管局\u200b", "\ufeff城管局", "城 管 局", "城管局\u00ad", "城管局\u200e", "城管\ufe0f局")
NFC, NFD = "Café 部", "Cafe\u0301 部"


def load(database: Database, *records: UnitRecord) -> taxonomy.Imported:
    with database.writing() as session:
        return taxonomy.import_units(session, records, actor="test")


def resolve(database: Database, *names: str, **how: Any) -> dict[str, str]:
    with database.reading() as session:
        return taxonomy.resolve(session, names, **how)


def why(database: Database, name: str) -> str:
    with database.reading() as session:
        return taxonomy.why_unresolved(session, name)


def names(database: Database) -> dict[str, str]:
    with database.reading() as session:
        return {unit.code: unit.name for unit in taxonomy.list_units(session)}


def add_raw(database: Database, *codes: str) -> None:
    """Add units as they are, as versions before this one took them."""
    with database.writing() as session:
        session.add_all(
            Unit(code=code, name=code, status="active", taxonomy_version=7) for code in codes
        )


def test_spellings_that_look_alike_are_one_unit(database: Database) -> None:
    load(database, UnitRecord("A-1", "城管局"), UnitRecord("B", NFC))

    assert resolve(database, *ALIKE, "ａ-1", "a -1") == dict.fromkeys(
        [*ALIKE, "ａ-1", "a -1"], "A-1"
    )
    assert resolve(database, NFD, "CAFÉ部") == {NFD: "B", "CAFÉ部": "B"}
    assert resolve(database, "城管所", ALIKE[0], alike=False) == {}


@settings(max_examples=50)
@given(st.permutations(["城管局", *ALIKE]), st.integers(0, 6))
def test_what_is_written_exactly_goes_first(spellings: list[str], wanted: int) -> None:
    units = [Unit(code=name, name=name, status="active") for name in spellings]

    assert [u.code for u in UnitIndex(units).meant(spellings[wanted])] == [spellings[wanted]]


def test_a_spelling_that_may_be_either_of_two_units_is_none_and_names_both(
    database: Database,
) -> None:
    add_raw(database, "城管局", "城管局\u200b", "水务局")

    assert resolve(database, "城管局", "城管局\u200b", "城管局\ufeff") == {
        "城管局": "城管局",
        "城管局\u200b": "城管局\u200b",
    }
    assert "any of the units '城管局' and '城管局\\u200b'" in why(database, "城管局\ufeff")
    assert "'火星局' is unknown" in why(database, "火星局")


def test_a_look_alike_that_is_merged_or_retired_competes_with_nobody(database: Database) -> None:
    add_raw(database, "城管局", "城管局\u200b", "城管局\u200e")

    load(
        database,
        UnitRecord("城管局\u200b", "城管局\u200b", status="merged", merged_into="城管局"),
        UnitRecord("城管局\u200e", "城管局\u200e", status="retired"),
    )

    assert resolve(database, "城管局\ufeff", "城管局\u200b", "城管局\u200e") == dict.fromkeys(
        ["城管局\ufeff", "城管局\u200b", "城管局\u200e"], "城管局"
    )


def test_a_retired_unit_stays_gone_in_any_spelling(database: Database) -> None:
    load(database, UnitRecord("A", "甲局", status="retired"), UnitRecord("B", "乙局"))

    assert resolve(database, "甲局", "甲局\u200b", "a") == {}
    assert "retired without a successor" in why(database, "甲局\u200b")


def test_labels_that_look_alike_become_one_unit_named_as_most_have_it(database: Database) -> None:
    load(database, UnitRecord("01", "水务局"))
    labels = {"城管局\u200b": 3, "城管局": 1, "城 管局": 2, NFD: 5, NFC: 1, "水务局\ufeff": 9}

    with database.writing() as session:
        added = taxonomy.ensure_units(session, labels, actor="test")

    assert added == [NFC, "城管局"]
    assert names(database) == {"01": "水务局", NFC: NFC, "城管局": "城管局"}


def test_an_import_finds_units_by_how_they_look_and_keeps_their_names(database: Database) -> None:
    load(database, UnitRecord("01", "城管局"), UnitRecord(NFC, NFC))

    done = load(
        database,
        UnitRecord("城管局\u200b", "城管局\u200b"),  # without a code of its own
        UnitRecord(NFD, NFD),
        UnitRecord("02", " 水务局\ufeff", parent="０1"),
    )

    assert (done.added, done.unchanged) == (1, 2)
    assert names(database) == {"01": "城管局", "02": "水务局", NFC: NFC}


@pytest.mark.parametrize(
    ("records", "told"),
    [
        (
            [
                UnitRecord("x", "市容局", place="line 2"),
                UnitRecord("y", "市容 局\u200b", place="line 7"),
            ],
            r"'x' \(line 2\) and 'y' \(line 7\) look alike",
        ),
        (
            [
                UnitRecord("A1", "市容局", place="line 2"),
                UnitRecord("a１", "园林局", place="line 3"),
            ],
            r"'A1' \(line 2\) and 'a１' \(line 3\) look alike",
        ),
        ([UnitRecord("9", "城管局\u200b")], "looks like|belongs to unit '01'"),
        ([UnitRecord("9", "ABC局")], "the name 'ABC局' looks like that of unit '02'"),
        ([UnitRecord("０1", "园林局")], "it looks like unit '01'"),
    ],
)  # fmt: skip
def test_an_import_that_would_make_look_alikes_is_refused(
    database: Database, records: list[UnitRecord], told: str
) -> None:
    load(database, UnitRecord("01", "城管局"), UnitRecord("02", "abc局"))
    before = names(database)

    with pytest.raises(TaxonomyError, match=told):
        load(database, *records)

    assert names(database) == before


def test_case_and_width_of_a_name_are_changed_by_its_own_code(database: Database) -> None:
    load(database, UnitRecord("02", "abc局"))

    assert load(database, UnitRecord("02", "ABC局")).changed == 1
    assert names(database) == {"02": "ABC局"}


def test_units_added_while_a_version_was_trained_are_heeded(database: Database) -> None:
    load(database, UnitRecord("01", "城管局"), UnitRecord("02", "ABC局"))

    with database.writing() as session:  # the version knows this unit by the code 城管局
        assert add_learned_units(session, [UnitRecord("城管局", "城管局")], "test") == []
    assert resolve(database, "城管局", alike=False) == {"城管局": "01"}

    with (
        pytest.raises(TaxonomyError, match="was added that looks like 'abc局'"),
        database.writing() as session,
    ):
        add_learned_units(session, [UnitRecord("abc局", "abc局")], "test")


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
            units = {"to_unit": "A"} if "for it" in what else {"from_unit": "A", "to_unit": "B"}
            session.add(Correction(**row, **units, actor="li", how="correct"))
    if what.startswith("another"):
        changed = UnitRecord("B", "乙局", parent="A")
        if "merged" in what:
            changed = UnitRecord("B", "乙局", status="merged", merged_into="A")
        load(database, changed)


@pytest.mark.parametrize(
    "what",
    [
        *("a ticket", "a model", "a person decided for it", "a person took a ticket from it"),
        *("another unit has it as parent", "another unit is merged into it"),
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


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["城管局", *ALIKE, NFC, NFD, "水务局", "水务处"]), min_size=1))
def test_whatever_labels_come_no_two_units_look_alike(labels: list[str]) -> None:
    units: list[Unit] = []
    for label in labels:
        if not UnitIndex(units).meant(label):
            units.append(Unit(code=label, name=label, status="active"))

    assert UnitIndex(units).look_alikes() == []
    assert all(len(UnitIndex(units).meant(label)) == 1 for label in labels)
