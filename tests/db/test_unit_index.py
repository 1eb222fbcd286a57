"""Units are found by how a code or name looks; what is written exactly goes first."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import Database, taxonomy
from db.models import Unit
from db.taxonomy import UnitRecord
from db.unit_index import UnitIndex
from tests.support.units import ALIKE, NFC, NFD, add_raw, load, resolve


def why(database: Database, name: str) -> str:
    with database.reading() as session:
        return taxonomy.why_unresolved(session, name)


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


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["城管局", *ALIKE, NFC, NFD, "水务局", "水务处"]), min_size=1))
def test_whatever_labels_come_no_two_units_look_alike(labels: list[str]) -> None:
    units: list[Unit] = []
    for label in labels:
        if not UnitIndex(units).meant(label):
            units.append(Unit(code=label, name=label, status="active"))

    assert UnitIndex(units).look_alikes() == []
    assert all(len(UnitIndex(units).meant(label)) == 1 for label in labels)
