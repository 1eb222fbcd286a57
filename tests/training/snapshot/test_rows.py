"""A row tells who labelled it, and becomes what trainings and the gate read."""

from tests.support.snapshots import decided, row, text
from training.gate.tickets import JudgedTicket
from training.samples import Sample


def test_a_person_s_look_is_stronger_than_a_confirmed_list_and_a_file() -> None:
    ranks = [
        one.rank for one in (row(1), decided(1, asked="bulk"), decided(1), decided(1, asked="file"))
    ]

    assert ranks == [0, 1, 2, 2]


def test_a_row_is_a_sample_with_its_place_and_weight() -> None:
    sample = row(1, "A", thought="t", weight=0.3).as_sample()

    assert sample == Sample(text(1), "A", "t", weight=0.3)
    assert sample.source == "line 1"


def test_a_row_is_a_judged_ticket_with_its_chance() -> None:
    judged = decided(5, "B", "sample", inclusion=0.01).as_judged()

    assert judged == JudgedTicket(text(5), "B", 5, "sample", 0.01)
    assert str(decided(5, "B")) == "ticket 5 (B)"
