r"""How often the promise of the threshold is kept, and what it costs in coverage.

    python -m bench.promise --data DIRECTORY [--splits 20] [--jobs 2]
    python -m bench.promise --pool FILE.npz [--pool FILE.npz]

DIRECTORY holds banking77/ and hotline/. FILE.npz holds ``probability`` (n,) of answers to tickets
that the model did not learn, and ``correct`` (n,), for pools scored elsewhere. Three tables, then
one line of JSON:

- rule: draws with replacement from a pool set the threshold; the pool's own error is the truth.
- splits: the linear model is trained on random parts of a set; the rest says whether it keeps the
  promise. Near-duplicates are on one side.
- planted: as splits, on a made-up set in which tickets are told again, with the old division of
  the samples, which parted near-duplicates, and the new.

The old rule took the lowest threshold whose held-out answers err at most as often as the target.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.conformal import linear_pool
from bench.promise_planted import compare
from bench.promise_rule import Answers, Rule, measure_rule
from bench.promise_splits import measure_splits
from bench.samples import read_part
from classifier.calibration import fit_temperature, softmax
from classifier.interface import PROBABILITY_DECIMALS

SETS = ("hotline", "banking77")


def main() -> None:
    """Measure what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, help="holds banking77/ and hotline/")
    parser.add_argument("--sets", default=",".join(SETS), help="of DIRECTORY")
    parser.add_argument("--pool", type=Path, action="append", default=[], help=".npz")
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once")
    parser.add_argument("--parts", default="rule,splits,planted")
    options = parser.parse_args()
    parts: list[str] = options.parts.split(",")
    figures: dict[str, object] = {}
    sets = options.sets.split(",") if options.data else []
    if "rule" in parts:
        pools = {file.stem: read_pool(file) for file in options.pool}
        pools |= {f"linear, {name}": scored(options.data / name) for name in sets}
        figures["rule"] = print_rule(measure_rule(pools, options.draws))
    for name in sets if "splits" in parts else ():
        samples = [
            one for part in ("train", "test") for one in read_part(options.data / name, part)
        ]
        splits = measure_splits(samples, options.splits, options.jobs)
        figures[f"splits, {name}"] = print_rows(f"{name}, random splits", splits)
    if "planted" in parts:
        figures["planted"] = print_rows("planted near-duplicates", compare(options.splits))
    print(json.dumps(figures))


def read_pool(file: Path) -> Answers:
    """Return the answers in an .npz file."""
    arrays = np.load(file)
    return Answers(arrays["probability"], arrays["correct"])


def scored(directory: Path) -> Answers:
    """Return the answers of a linear model that learned a set's train part to its test part."""
    pool = linear_pool(read_part(directory, "train"), read_part(directory, "test"))
    temperature = fit_temperature(pool.logits, pool.labels)
    probability = softmax(pool.logits, temperature).max(axis=1).round(PROBABILITY_DECIMALS)
    return Answers(probability, pool.logits.argmax(axis=1) == pool.labels)


def print_rule(rows: Sequence[Rule]) -> list[dict[str, object]]:
    """Print a row for each pool, number of answers and target; return the rows."""
    table = Table(
        *("pool", "n", "target", "needed", "best"),
        *("old broken", "old coverage", "broken", "coverage", "all held back"),
    )
    for row in rows:
        old, new = row.old, row.new
        told = (row.best, old.broken, old.coverage, new.broken, new.coverage, new.held_all)
        needed = "-" if row.needed is None else f"{row.needed:,}"
        shares = (f"{share:.1%}" for share in told)
        table.add_row(row.pool, f"{row.n:,}", f"{row.target:.0%}", needed, *shares)
    Console().print(table)
    return [asdict(row) for row in rows]


def print_rows(
    title: str, rows: Sequence[dict[str, float | str | None]]
) -> list[dict[str, object]]:
    """Print rows of the same columns; return them."""
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(
            *(f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row.values())
        )
    Console().print(table)
    return [dict(row) for row in rows]


if __name__ == "__main__":
    main()
