"""Draw what ``bench.inference`` measured: tickets a second of each way, on one scale.

    python -m bench.plot docs/benchmarks/h100.json docs/benchmarks/h100.svg

The first file is what ``bench.inference --out`` wrote.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

WAYS = (
    ("loop", "tickets_per_s_50_tokens", "the article's loop, 50 new tokens"),
    ("loop", "tickets_per_s_8_tokens", "the article's loop, 8 new tokens"),
    ("batched", "tickets_per_s_8_tokens", "transformers' generate, bf16, 32 at once"),
    ("bf16", "tickets_per_s", "Paidan, bf16"),
    ("nf4", "tickets_per_s", "Paidan, nf4 (default)"),
    ("fp8", "tickets_per_s", "Paidan, fp8"),
)
LENGTHS = (("own", "at their own lengths", "#4477aa"), ("cut", "cut to 120 tokens", "#ee9955"))
HEIGHT = 0.38


def main() -> None:
    """Draw one file of results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help=".json")
    parser.add_argument("out", type=Path, help=".svg")
    options = parser.parse_args()
    draw(json.loads(options.results.read_text("utf-8")), options.out)


def draw(results: dict[str, Any], out: Path) -> None:
    """Write the picture of the ways that were measured."""
    ways = [way for way in WAYS if way[0] in results]
    with mpl.rc_context(
        {"svg.hashsalt": "paidan", "svg.fonttype": "none", "font.size": 9}
    ):  # the same file each time
        figure, axes = plt.subplots(figsize=(8, 0.6 * len(ways) + 1.2), layout="constrained")
        for number, (length, label, colour) in enumerate(LENGTHS):
            rates = [results[stage][length][rate] for stage, rate, _ in ways]
            places = [row + (number - 0.5) * HEIGHT for row in range(len(ways))]
            bars = axes.barh(places, rates, HEIGHT, label=label, color=colour)
            axes.bar_label(bars, [f"{rate:,.3g}" for rate in rates], padding=3)
        axes.set_xscale("log")
        axes.margins(x=0.1)
        axes.set_yticks(range(len(ways)), [name for *_, name in ways])
        axes.invert_yaxis()
        axes.set_xlabel("tickets a second (logarithmic)")
        axes.set_title("{tickets:,} tickets, {units} units, {base}, one {device}".format(**results))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="upper right")
        figure.savefig(out, format="svg", metadata={"Date": None})
        plt.close(figure)


if __name__ == "__main__":
    main()
