"""The shadow's tables: a ticket is asked of a version once a round."""

import pytest

from core.errors import RecordRefusedError
from core.settings import Settings
from db import Database
from db.shadow_tables import ShadowAnswer
from tests.support.make import add_tickets, add_units
from tests.support.shadow import put_in_shadow


def test_a_second_row_of_ticket_round_and_version_is_refused(
    database: Database, settings: Settings
) -> None:
    add_units(database)
    champion, challenger = put_in_shadow(database, settings.resolved_models_dir)
    [ticket] = add_tickets(database, 1)
    same = {"ticket_id": ticket, "model_version": challenger, "champion": champion}

    with database.writing() as session:
        session.add(ShadowAnswer(**same, round=0, champion_unit="A"))
        session.add(ShadowAnswer(**same, round=1, champion_unit="A"))

    with (
        pytest.raises(RecordRefusedError, match="refuses a statement"),
        database.writing() as session,
    ):
        session.add(ShadowAnswer(**same, round=0, champion_unit="A"))
