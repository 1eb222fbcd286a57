"""Errors a person can act on: one base, and one sentence each that says what happened."""

import inspect

import pytest
from sqlalchemy import text

from core import errors
from core.errors import DATABASE_FAULTS, PaidanError, RecordRefusedError
from db import Database, tickets
from tests.support.make import new_ticket

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("error", CLASSES)
def test_each_error_is_caught_as_one_of_paidans_and_says_what_it_is(error: type) -> None:
    assert issubclass(error, PaidanError)
    assert error.__name__ == "PaidanError" or error.__name__.endswith("Error")
    assert "__doc__" in vars(error)


def test_what_ends_a_transaction_is_the_databases_fault_unless_a_value_was_refused(
    database: Database,
) -> None:
    gone = Database("postgresql://u@127.0.0.1:1/d")

    with pytest.raises(DATABASE_FAULTS), gone.reading() as session:
        session.execute(text("SELECT 1"))
    with pytest.raises(RecordRefusedError) as refused, database.writing() as session:
        tickets.insert(session, [new_ticket(lane="fast")])

    assert not isinstance(refused.value, DATABASE_FAULTS)
