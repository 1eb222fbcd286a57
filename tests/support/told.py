"""A training's progress that remembers what it was told."""


class Told:
    """Keeps what a training run says."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.steps: list[tuple[int, int]] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def step(self, step: int, steps: int, loss: float | None) -> None:
        del loss
        self.steps.append((step, steps))
