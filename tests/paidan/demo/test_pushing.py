"""The demo's tickets on their way."""

from dataclasses import replace

from paidan.demo.pushing import as_new
from paidan.sample.generator import generate


def test_a_synthetic_ticket_is_submitted_with_the_operators_unit_and_not_the_right_one() -> None:
    [ticket] = generate(1)
    ticket = replace(ticket, unit="U001", operator_unit="U002")

    new = as_new(ticket, "synthetic")

    assert (new.source, new.external_id, new.text) == ("synthetic", "SYN-00000000", ticket.text)
    assert new.unit == "U002"
    assert new.meta == ticket.meta
