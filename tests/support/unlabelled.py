"""Synthetic tickets without their labels, as a stand-in learns from them."""

from paidan.sample.generator import generate


def unlabelled(count: int) -> list[tuple[str | None, str]]:
    """Titles and texts."""
    return [(ticket.title, ticket.text) for ticket in generate(count)]
