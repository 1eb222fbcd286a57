"""The same city a year later."""

from dataclasses import replace

from paidan.sample.generator import generate
from paidan.sample.shift import shifted


def test_words_change_and_nothing_else() -> None:
    tickets = list(generate(200))

    later = [shifted(ticket) for ticket in tickets]

    changed = sum(one.text != other.text for one, other in zip(tickets, later, strict=True))
    assert changed > 120
    for one, other in zip(tickets, later, strict=True):
        assert (one.external_id, one.unit, one.title) == (
            other.external_id,
            other.unit,
            other.title,
        )
        assert other.meta["shifted"] == 1.0


def test_a_share_of_the_words_changes_the_same_each_time() -> None:
    tickets = list(generate(200))

    none, half, whole = ([shifted(t, share).text for t in tickets] for share in (0.0, 0.5, 1.0))

    assert none == [ticket.text for ticket in tickets]
    assert half == [shifted(ticket, 0.5).text for ticket in tickets]
    assert half not in (none, whole)


def test_what_was_replaced_is_left_alone() -> None:
    [ticket] = generate(1)

    told = shifted(replace(ticket, text="电动车充电，小区物业不管"))

    assert told.text == "电瓶车补电，住宅区管家公司不管"
