"""Units that came in while a version was trained."""

import pytest

from core.errors import TaxonomyError
from db import Database
from db.taxonomy import UnitRecord
from paidan.cli.labels import add_learned_units
from tests.support.units import load, resolve


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
