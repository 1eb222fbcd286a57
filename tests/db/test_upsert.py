"""One INSERT for both databases: what is there is left, or replaced."""

from sqlalchemy import select

from db import Database
from db.models import Unit
from db.upsert import insert_for

A = {"code": "A", "name": "甲局", "taxonomy_version": 1}


def stored(database: Database) -> list[tuple[str, str, str | None]]:
    with database.reading() as session:
        rows = session.execute(select(Unit.code, Unit.name, Unit.parent_code).order_by(Unit.code))
        return [tuple(row) for row in rows]


def test_a_row_that_is_there_is_left(database: Database) -> None:
    for name in ("甲局", "乙局"):
        with database.writing() as session:
            statement = insert_for(session, Unit).on_conflict_do_nothing(index_elements=["code"])
            session.execute(statement, [{**A, "name": name}])

    assert stored(database) == [("A", "甲局", None)]


def test_a_row_that_is_there_is_replaced_in_what_is_named(database: Database) -> None:
    for name in ("甲局", "乙局"):
        with database.writing() as session:
            statement = insert_for(session, Unit)
            statement = statement.on_conflict_do_update(
                index_elements=["code"], set_={"name": statement.excluded.name}
            )
            session.execute(statement, [{**A, "name": name}])

    assert stored(database) == [("A", "乙局", None)]


def test_rows_with_and_without_a_value_go_in_together(database: Database) -> None:
    rows = [{**A, "parent_code": None}, {**A, "code": "B", "name": "乙局", "parent_code": "A"}]

    with database.writing() as session:
        added = session.execute(insert_for(session, Unit).returning(Unit.code), rows).scalars()
        assert sorted(added) == ["A", "B"]

    assert stored(database) == [("A", "甲局", None), ("B", "乙局", "A")]
