"""A run's curves: written in batches, each step once."""

import math

from db import Database, run_points, runs
from db.run_points import Point


def new_run(database: Database) -> int:
    with database.writing() as session:
        return runs.ask(session, "llm", {}, asked_for=runs.HAND, actor="ann")


def test_points_come_back_by_step_and_a_step_done_again_is_replaced(database: Database) -> None:
    run_id, other = new_run(database), new_run(database)
    with database.writing() as session:
        run_points.put(session, run_id, [])
        run_points.put(session, run_id, [Point(10, 2.5, loss=1.5), Point(5, 1.0, loss=2.0)])
        run_points.put(session, other, [Point(5, 9.0)])

    with database.writing() as session:
        run_points.put(
            session, run_id, [Point(10, 9.0), Point(10, 3.5, gpu_memory=8 << 30, validation=1.25)]
        )

    with database.reading() as session:
        [first, second] = run_points.list_points(session, run_id)
    assert (first.step, first.seconds, first.loss) == (5, 1.0, 2.0)
    assert (second.step, second.seconds, second.loss) == (10, 3.5, None)
    assert (second.gpu_memory, second.validation) == (8 << 30, 1.25)


def test_more_points_are_written_at_once_than_a_statement_takes_values(database: Database) -> None:
    run_id = new_run(database)
    points = [Point(n, n, 2.0, 1e-4, 0.5, 8 << 30, 9.0, 1.5) for n in range(1, 7_001)]

    for _ in range(2):  # again, as each attempt of a run does
        with database.writing() as session:
            run_points.put(session, run_id, points)

    with database.reading() as session:
        assert [one.step for one in run_points.list_points(session, run_id)] == [*range(1, 7_001)]


def test_what_is_no_finite_number_is_left_out_on_both_databases(database: Database) -> None:
    run_id = new_run(database)

    with database.writing() as session:
        run_points.put(session, run_id, [Point(1, 1.0, loss=math.nan, grad_norm=math.inf)])

    with database.reading() as session:
        [point] = run_points.list_points(session, run_id)
    assert (point.seconds, point.loss, point.grad_norm) == (1.0, None, None)
