"""The table of returns: a reason belongs to a return that is there."""

import pytest

from core.errors import RecordRefusedError
from db import Database
from db.return_tables import ReturnReason


def test_a_reason_of_no_return_is_refused(database: Database) -> None:
    with pytest.raises(RecordRefusedError), database.writing() as session:
        session.add(ReturnReason(correction_id=7, reason="不归我管"))
