"""What it costs to answer with a version, and whether a challenger costs too much."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Costs:
    """What answering with a version takes.

    Parameters:
        p95_s: seconds within which 95 of 100 lone tickets are answered.
        peak_bytes: the most memory that it takes; None where nobody measured it.
    """

    p95_s: float
    peak_bytes: int | None = None
