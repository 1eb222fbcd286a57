"""Points on their way: each is read once, half a line never."""

from pathlib import Path

from db.run_points import Point
from training.runs.curves import append_point, read_points, seconds_until


def test_points_are_read_from_where_the_last_reading_ended(tmp_path: Path) -> None:
    file = tmp_path / "points"
    assert read_points(file) == ([], 0)
    append_point(file, Point(5, 1.0, loss=2.0))

    first, offset = read_points(file)
    append_point(file, Point(10, 2.0, gpu_memory=1 << 33))
    second, end = read_points(file, offset)

    assert first == [Point(5, 1.0, loss=2.0)]
    assert second == [Point(10, 2.0, gpu_memory=1 << 33)]
    assert read_points(file, end) == ([], end)


def test_a_line_is_read_only_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "points"
    append_point(file, Point(5, 1.0))
    with file.open("ab") as opened:
        opened.write(b'{"step": 10, "sec')

    points, offset = read_points(file)
    assert points == [Point(5, 1.0)]

    # The process that wrote half a line was killed; the next one goes on
    append_point(file, Point(10, 2.5))
    assert read_points(file, offset)[0] == [Point(10, 2.5)]


def test_a_resumed_run_knows_how_long_it_has_trained(tmp_path: Path) -> None:
    file = tmp_path / "points"
    for step in (5, 10, 15):
        append_point(file, Point(step, step * 2.0))

    assert seconds_until(file, 12) == 20.0
    assert seconds_until(file, 3) == seconds_until(tmp_path / "none", 3) == 0.0
