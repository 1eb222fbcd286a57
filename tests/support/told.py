"""A training's progress that remembers what it was told."""

from db.run_points import Point


class Told:
    """Keeps what a training run says."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.steps: list[tuple[int, int]] = []
        self.points: list[Point] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def step(self, step: int, steps: int, loss: float | None) -> None:
        del loss
        self.steps.append((step, steps))

    def measured(self, point: Point) -> None:
        self.points.append(point)
