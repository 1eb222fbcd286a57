"""Units as files name them: each means a stored unit, a new one, or is refused."""

import pytest

from core.errors import TaxonomyError
from db import Database
from db.taxonomy import UnitRecord
from db.unit_index import UnitIndex
from db.unit_record import identify
from tests.support.units import NFC, NFD, load, names


def test_a_record_says_its_code_and_its_place() -> None:
    assert UnitRecord("A", "甲局").shown == "'A'"
    assert UnitRecord("A\u200b", "甲局", place="line 3").shown == r"'A\u200b' (line 3)"


def test_a_record_gets_the_codes_of_the_units_it_names_as_they_are_stored() -> None:
    records = [UnitRecord("A1", "甲局"), UnitRecord("B", " 乙  局", parent="a１")]

    found = identify(records, UnitIndex([]))

    assert found == {"A1": records[0], "B": UnitRecord("B", "乙 局", parent="A1")}


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
