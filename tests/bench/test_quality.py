"""Streams of known truth: the interval that ``paidan quality`` tells holds the true error."""

from dataclasses import replace
from pathlib import Path

from bench.quality import STREAMS, new_database, run_stream, summed_up


def test_the_interval_holds_the_truth_of_a_stream_that_is_sampled_and_decided(
    tmp_path: Path,
) -> None:
    world = new_database(tmp_path / "world.db")
    # As many of the blind sample as the bench has, of fewer tickets
    rare = replace(STREAMS[1], tickets=400, share=0.125)

    runs = list(run_stream(world, rare, 60, seed=7))

    told = summed_up(runs)
    assert (
        told["covered"] >= 55
    )  # 60 runs of 0.95 have fewer in 1 of 500 seeds, exact intervals in fewer
    assert any(run.truth > 0 and run.counts.wrong == 0 for run in runs)  # none seen is not none
    assert 40 < told["mean decided"] < 60
    world.engine.dispose()
