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

from bench.promise_model import learn
from bench.promise_planted import compare
from bench.promise_rule import Answers, Rule, measure_rule
from bench.promise_splits import Row, measure_splits
from bench.samples import read_part

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
    model = learn(read_part(directory, "train"), target=0.05)
    return model.answer(read_part(directory, "test"))[0]


def print_rule(rows: Sequence[Rule]) -> list[dict[str, object]]:
    """Print a row for each pool, number of answers and target; return the rows."""
    columns = ("old broken", "old coverage", "broken", "coverage", "all held back")
    table: list[tuple[str, ...]] = [("pool", "n", "target", "needed", "best", *columns)]
    for one in rows:
        old, new = one.old, one.new
        told = (one.best, old.broken, old.coverage, new.broken, new.coverage, new.held_all)
        needed = "-" if one.needed is None else f"{one.needed:,}"
        shares = (f"{share:.1%}" for share in told)
        table.append((one.pool, f"{one.n:,}", f"{one.target:.0%}", needed, *shares))
    print_table("the rule on draws", table)
    return [asdict(one) for one in rows]


def print_rows(title: str, rows: Sequence[Row]) -> list[dict[str, object]]:
    """Print rows of the same columns; return them."""
    cells = [
        tuple(f"{one:.4g}" if isinstance(one, float) else str(one) for one in row.values())
        for row in rows
    ]
    print_table(title, [tuple(rows[0]), *cells])
    return [dict(row) for row in rows]


def print_table(title: str, rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows in columns, the head first; where trainings run, rich may not be installed."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print(f"\n{title}")
    for cells in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)))


if __name__ == "__main__":
    main()
