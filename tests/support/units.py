"""Units in the record, and spellings of their names."""

from typing import Any

from db import Database, taxonomy
from db.models import Unit
from db.taxonomy import Imported, UnitRecord

# What looks like 城管局.
ALIKE = ("城管局\u200b", "\ufeff城管局", "城 管 局", "城管局\u00ad", "城管局\u200e", "城管\ufe0f局")
# One name in Unicode's two forms.
NFC, NFD = "Café 部", "Cafe\u0301 部"


def load(database: Database, *records: UnitRecord) -> Imported:
    """Import units."""
    with database.writing() as session:
        return taxonomy.import_units(session, records, actor="test")


def resolve(database: Database, *names: str, **how: Any) -> dict[str, str]:
    """The code of the active unit for which each code or name stands."""
    with database.reading() as session:
        return taxonomy.resolve(session, names, **how)


def names(database: Database) -> dict[str, str]:
    """All units' names by code."""
    with database.reading() as session:
        return {unit.code: unit.name for unit in taxonomy.list_units(session)}


def add_raw(database: Database, *codes: str) -> None:
    """Add units as they are, as versions before this one took them."""
    with database.writing() as session:
        session.add_all(
            Unit(code=code, name=code, status="active", taxonomy_version=7) for code in codes
        )
