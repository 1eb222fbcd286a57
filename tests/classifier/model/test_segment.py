"""Segments: where they stand, and what they continue."""

from classifier.model.segment import Segment


def test_a_segments_position_counts_all_that_it_continues() -> None:
    prefix = Segment([1] * 300)
    ticket = Segment([7] * 40, prefix, 5, 300)
    label = Segment([8, 9], ticket, 5)

    assert [one.position for one in (prefix, ticket, label)] == [0, 300, 340]
    assert list(label.path()) == [label, ticket, prefix]
