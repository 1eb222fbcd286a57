"""The demo's city: what is new in it a year later."""

from paidan.demo.world import NEW_UNIT, tickets_before, tickets_later


def matters(tickets: object) -> set[object]:
    return {ticket.meta["matter"] for ticket in tickets}  # type: ignore[attr-defined]


def test_later_there_are_matters_a_unit_and_words_that_were_not_there_before() -> None:
    before, later = tickets_before(1_500), list(tickets_later(500))

    unknown = matters(later) - matters(before)
    share = sum(ticket.meta["matter"] in unknown for ticket in later) / len(later)
    assert 0.2 < share < 0.45
    assert NEW_UNIT not in {ticket.unit for ticket in before}
    assert NEW_UNIT in {ticket.unit for ticket in later}
    assert not any("小区" in ticket.text for ticket in later)
    assert any("小区" in ticket.text for ticket in before)


def test_no_ticket_is_of_both_times_and_a_slice_is_the_same_each_time() -> None:
    before, later = tickets_before(300), list(tickets_later(40))

    ids = {ticket.external_id for ticket in before}
    assert len(ids) == 300
    assert ids.isdisjoint(ticket.external_id for ticket in later)
    assert list(tickets_later(10, after=30)) == later[30:]
