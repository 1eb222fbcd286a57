"""``paidan correct`` on tickets that a worker answered."""

from pathlib import Path

from sqlalchemy import select

from core.settings import load_settings
from db import open_database
from db.models import Correction, Ticket
from tests.support.cli import Cli


def test_corrections_from_elsewhere_decide_and_are_kept(cli: Cli, answered: Path) -> None:
    file = answered / "decided.csv"
    file.write_text("external_id,unit\n1,城管局\n3,城管局\n9,城管局\n2,火星局\n", "utf-8")

    ran = cli("correct", file, "--by", "李", "--confirm")

    assert ran.code == 3
    assert "refused 2" in ran.out
    assert "no ticket '9' of source 'file' is known" in ran.err
    assert "unit '火星局' is unknown" in ran.err
    database = open_database(load_settings())
    with database.reading() as session:
        by_id = {ticket.external_id: ticket for ticket in session.scalars(select(Ticket))}
        kept = session.scalars(select(Correction).order_by(Correction.id)).all()
    assert [(by_id[i].status, by_id[i].unit_code) for i in "13"] == [("routed", "城管局")] * 2
    assert [(c.ticket_id, c.to_unit, c.actor) for c in kept] == [
        (1, "城管局", "李"),
        (3, "城管局", "李"),
    ]
    assert "decided before 2" in cli("correct", file).out
    database.engine.dispose()
