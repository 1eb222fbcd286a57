"""The taxonomy: imports change it as a whole or not at all, and merges lead to active units."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import select

from core.errors import TaxonomyError
from db import Database, taxonomy
from db.models import Event, Unit
from db.taxonomy import Imported, UnitRecord
from tests.support.units import NFC, NFD, load, names, resolve


def snapshot(database: Database) -> dict[str, tuple[Any, ...]]:
    with database.reading() as session:
        return {
            u.code: (u.name, u.responsibilities, u.parent_code, u.status, u.merged_into)
            for u in session.scalars(select(Unit))
        }


def version(database: Database) -> int:
    with database.reading() as session:
        return taxonomy.current_version(session)


def merged(code: str, into: str) -> UnitRecord:
    return UnitRecord(code, f"{code}局", status="merged", merged_into=into)


def unit(code: str, **values: Any) -> UnitRecord:
    return UnitRecord(code, values.pop("name", f"{code}局"), **values)


def test_an_import_adds_units_in_any_order_of_parent_and_child(database: Database) -> None:
    done = load(database, unit("b", parent="a", responsibilities="照明"), unit("a"))

    assert done == Imported(added=2, changed=0, unchanged=0, version=1)
    assert snapshot(database) == {
        "a": ("a局", "", None, "active", None),
        "b": ("b局", "照明", "a", "active", None),
    }


def test_an_import_updates_what_differs_and_leaves_what_it_does_not_name(
    database: Database,
) -> None:
    load(database, unit("a"), unit("b"), unit("c"))

    done = load(database, unit("a", responsibilities="供水"), unit("b"), unit("d", parent="a"))

    assert done == Imported(added=1, changed=1, unchanged=1, version=2)
    with database.reading() as session:
        assert {u.code: u.taxonomy_version for u in taxonomy.list_units(session)} == {
            "a": 2,
            "b": 1,
            "c": 1,
            "d": 2,
        }


def test_an_import_that_changes_nothing_leaves_version_and_audit_alone(database: Database) -> None:
    records = [unit("a", responsibilities="供水"), unit("b", parent="a"), merged("c", "b")]
    load(database, *records)

    assert load(database, *records) == Imported(added=0, changed=0, unchanged=3, version=1)

    assert version(database) == 1
    with database.reading() as session:
        [event] = session.scalars(select(Event))
    assert (event.kind, event.actor, event.data) == (
        "units.imported",
        "test",
        {"added": 3, "changed": 0},
    )


@pytest.mark.parametrize(
    "change",
    [
        unit("b", name="新局"),
        unit("b", responsibilities="新"),
        unit("b", parent="a"),
        unit("b", status="retired"),
        merged("b", "a"),
    ],
    ids=["name", "responsibilities", "parent", "retired", "merged"],
)
def test_each_change_of_a_unit_makes_a_new_version(database: Database, change: UnitRecord) -> None:
    load(database, unit("a"), unit("b"))

    assert load(database, change) == Imported(added=0, changed=1, unchanged=0, version=2)

    assert version(database) == 2
    assert load(database, change).unchanged == 1  # it was stored in full


def test_units_may_change_places_in_their_names(database: Database) -> None:
    load(database, unit("a", name="甲"), unit("b", name="乙"), unit("c", name="丙"))

    load(database, unit("a", name="乙"), unit("b", name="甲"))
    load(database, unit("a", name="甲"), unit("b", name="丙"), unit("c", name="丁"))

    assert {code: row[0] for code, row in snapshot(database).items()} == {
        "a": "甲",
        "b": "丙",
        "c": "丁",
    }


def test_a_new_unit_may_take_the_name_another_one_gives_up(database: Database) -> None:
    load(database, unit("a", name="甲"))

    load(database, unit("b", name="甲"), unit("a", name="甲（旧）", status="retired"))

    assert resolve(database, "甲") == {"甲": "b"}


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([unit("x"), unit("x", name="y局")], "unit code 'x' stands twice"),
        ([unit("x"), unit("y", name="x局")], "units 'x' and 'y' share the name 'x局'"),
        ([unit("x", name="b局")], "unit 'x': the name 'b局' belongs to unit 'b' already"),
        ([unit("x", parent="nobody")], "unit 'x': its parent 'nobody' is no known unit"),
        ([merged("x", "nobody")], "unit 'x': its merged_into 'nobody' is no known unit"),
        ([unit("x", status="merged")], "'merged' and merged_into go together"),
        ([unit("x", merged_into="a")], "'merged' and merged_into go together"),
        ([merged("x", "x")], "'x': what took it over, x, leads back to it: leave one"),
        ([merged("x", "y"), merged("y", "z"), merged("z", "x")], "over, y, leads back to it"),
        ([unit("x", status="retired"), merged("y", "x")], "no active unit: import it, too, as re"),
        ([unit("x", status="closed")], "status 'closed' is none of active, retired, merged"),
        ([unit("", name="x局")], "its code has 0 characters"),
        ([unit("x", name="  ")], "its name has 2 characters"),
        ([unit("x" * 101)], "its code has 101 characters; 1 to 100"),
        ([unit("x", name="x" * 201)], "its name has 201 characters; 1 to 200"),
    ],
)
def test_a_bad_import_is_refused_and_changes_nothing(
    database: Database, records: Iterable[UnitRecord], message: str
) -> None:
    load(database, unit("a"), unit("b"))
    before = snapshot(database)

    with pytest.raises(TaxonomyError, match=message):
        load(database, unit("a", responsibilities="changed"), unit("new"), *records)

    assert snapshot(database) == before
    assert version(database) == 1


def test_a_unit_to_which_others_lead_cannot_be_retired_without_a_successor(
    database: Database,
) -> None:
    load(database, unit("a"), unit("b"), merged("old", "a"))

    with pytest.raises(TaxonomyError, match="'old' is merged into 'a', which leads to no active"):
        load(database, unit("a", status="retired"))

    load(database, merged("a", "b"))
    assert resolve(database, "old") == {"old": "b"}


def test_codes_and_names_resolve_to_the_active_unit_that_stands_for_them(
    database: Database,
) -> None:
    load(database, unit("a"), merged("b", "a"), merged("c", "b"), unit("d", status="retired"))

    found = resolve(database, "a", "a局", "b", "b局", "c", "c局", "d", "d局", "unknown", "")

    assert found == dict.fromkeys(["a", "a局", "b", "b局", "c", "c局"], "a")


def test_a_code_goes_before_a_name(database: Database) -> None:
    load(database, unit("a", name="b"), unit("b", name="a"))

    assert resolve(database, "a", "b") == {"a": "a", "b": "b"}


def test_units_are_listed_by_code_and_only_the_active_ones_if_asked(database: Database) -> None:
    load(database, unit("b"), unit("a"), merged("c", "a"), unit("d", status="retired"))

    with database.reading() as session:
        assert [u.code for u in taxonomy.list_units(session)] == ["a", "b", "c", "d"]
        assert [u.code for u in taxonomy.list_units(session, active_only=True)] == ["a", "b"]


def test_labels_without_a_unit_become_units(database: Database) -> None:
    load(database, unit("a"), merged("old", "a"), unit("gone", status="retired"))

    with database.writing() as session:
        labels = ["新局", "a", "a局", "old局", "gone", "新局", "水务局"]
        added = taxonomy.ensure_units(session, Counter(labels), actor="test")

    assert added == ["新局", "水务局"]
    assert resolve(database, "新局", "old局", "gone") == {"新局": "新局", "old局": "a"}
    with database.writing() as session:
        assert taxonomy.ensure_units(session, Counter(labels), actor="test") == []
    assert version(database) == 2


def test_labels_that_look_alike_become_one_unit_named_as_most_have_it(database: Database) -> None:
    load(database, UnitRecord("01", "水务局"))
    labels = {"城管局\u200b": 3, "城管局": 1, "城 管局": 2, NFD: 5, NFC: 1, "水务局\ufeff": 9}

    with database.writing() as session:
        added = taxonomy.ensure_units(session, labels, actor="test")

    assert added == [NFC, "城管局"]
    assert names(database) == {"01": "水务局", NFC: NFC, "城管局": "城管局"}


def test_a_label_too_long_for_a_code_is_refused_as_such(database: Database) -> None:
    with (
        pytest.raises(TaxonomyError, match="its code has 150 characters"),
        database.writing() as session,
    ):
        taxonomy.ensure_units(session, {"长" * 150: 1}, actor="test")


def test_an_empty_taxonomy_has_version_0(database: Database) -> None:
    assert version(database) == 0
    assert resolve(database, "a") == {}
