"""What the engine did, counted for benchmarks and for the log."""

from collections.abc import Sequence
from dataclasses import dataclass

from classifier.engine.request import Request


@dataclass(slots=True)
class Counts:
    """What the engine did so far."""

    tickets: int = 0
    ticket_tokens: int = 0
    label_nodes: int = 0
    label_tokens: int = 0
    forwards: int = 0
    thoughts: int = 0
    thought_tokens: int = 0

    def add_tickets(self, requests: Sequence[Request]) -> None:
        """Count tickets that were added to a scheduler."""
        self.tickets += len(requests)
        self.ticket_tokens += sum(len(request.ticket.tokens) for request in requests)

    def add_forward(self, requests: Sequence[Request]) -> None:
        """Count a forward and the labels it reads."""
        self.forwards += 1
        for request in requests:
            nodes = [segment for segment in request.segments if segment is not request.ticket]
            self.label_nodes += len(nodes)
            self.label_tokens += sum(len(segment.tokens) for segment in nodes)
