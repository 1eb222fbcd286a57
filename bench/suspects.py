"""How many planted wrong labels the list of suspects finds.

    python -m bench.suspects --banking77 DIRECTORY --hotline DIRECTORY

A directory has the part train; without them the synthetic tickets alone are measured. Of a share of
the tickets, drawn at random, the label is replaced by that of another ticket, drawn at random too.
A real set has wrong labels of its own, which count as not found. The last line is JSON.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.linear_sets import synthetic
from bench.samples import read_part
from training.samples import Sample
from training.suspects import Suspect, find_suspects

LOOKED_AT = (0.05, 0.1, 0.2)
"""How much of the list somebody reads: shares of all tickets."""
ORDERS: dict[str, Callable[[Suspect], float]] = {
    "list": lambda one: one.confidence,  # as find_suspects orders it
    "margin": lambda one: one.margin,
}


def main() -> None:
    """Plant wrong labels in each set, and look for them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--banking77", type=Path, help="a directory")
    parser.add_argument("--hotline", type=Path, help="a directory")
    parser.add_argument("--tickets", type=int, default=4_000, help="synthetic ones")
    parser.add_argument("--share", type=float, default=0.05, help="of labels, planted wrong")
    parser.add_argument("--seeds", type=int, default=3, help="how often each set is planted anew")
    options = parser.parse_args()
    found = {}
    for name, samples in _sets(options):
        runs = [measure(samples, options.share, seed) for seed in range(options.seeds)]
        found[name] = {key: np.mean([run[key] for run in runs], axis=0).tolist() for key in runs[0]}
        found[name]["least_in_10%"] = min(run["list"][LOOKED_AT.index(0.1)] for run in runs)
        _show(name, len(samples), found[name])
    figures = {"share": options.share, "seeds": options.seeds, "looked_at": LOOKED_AT}
    print(json.dumps({"cores": os.cpu_count(), **figures, "sets": found}))


def _sets(options: argparse.Namespace) -> Iterator[tuple[str, Sequence[Sample]]]:
    yield "synthetic", synthetic(options.tickets, 0).train
    for name in ("banking77", "hotline"):
        directory = getattr(options, name)
        if directory:
            yield name, read_part(directory, "train")


def plant(samples: Sequence[Sample], share: float, seed: int) -> tuple[list[Sample], set[int]]:
    """Return the samples with some labels of other units, and the rows of these."""
    random = np.random.default_rng(seed)
    units = [sample.unit for sample in samples]
    rows = random.permutation(len(samples))[: round(share * len(samples))].tolist()
    planted = list(samples)
    for row in rows:
        wrong = units[row]
        while wrong == units[row]:
            wrong = units[int(random.integers(len(units)))]
        planted[row] = Sample(samples[row].text, wrong, source=str(row))
    others = [Sample(one.text, one.unit, source=str(row)) for row, one in enumerate(planted)]
    return others, set(rows)


def measure(samples: Sequence[Sample], share: float, seed: int) -> dict[str, Any]:
    """Return which shares of the planted labels are found, by order and how far one reads."""
    planted, rows = plant(samples, share, seed)
    began = time.perf_counter()
    suspects = find_suspects(planted, seed)
    seconds = time.perf_counter() - began
    flagged = [one for one in suspects if one.confident]
    hits = sum(_row(one) in rows for one in flagged)
    return {
        **{
            name: [
                round(_recall(sorted(suspects, key=order), rows, len(samples), part), 4)
                for part in LOOKED_AT
            ]
            for name, order in ORDERS.items()
        },
        "flagged": round(len(flagged) / len(samples), 4),
        "flagged_found": round(hits / len(rows), 4),
        "flagged_precision": round(hits / max(len(flagged), 1), 4),
        "seconds": round(seconds, 1),
    }


def _recall(suspects: Sequence[Suspect], rows: set[int], tickets: int, part: float) -> float:
    read = suspects[: round(part * tickets)]
    return sum(_row(one) in rows for one in read) / len(rows)


def _row(suspect: Suspect) -> int:
    return int(suspect.sample.source)


def _show(name: str, tickets: int, figures: dict[str, Any]) -> None:
    parts = ", ".join(f"{part:.0%}" for part in LOOKED_AT)
    table = Table("", f"found in the first {parts}", title=f"{name}: {tickets:,} tickets")
    for key, value in figures.items():
        shown = value if isinstance(value, list) else [value]
        table.add_row(key.replace("_", " "), "  ".join(f"{one:.3f}" for one in shown))
    Console().print(table)


if __name__ == "__main__":
    main()
