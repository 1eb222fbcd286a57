"""The picture of the measured rates shows what the results say."""

import json
from pathlib import Path

from bench.plot import draw

RESULTS = Path(__file__).parents[2] / "docs" / "benchmarks" / "h100.json"


def test_each_way_that_was_measured_has_its_bars(tmp_path: Path) -> None:
    results = json.loads(RESULTS.read_text("utf-8"))
    del results["batched"]
    results["nf4"]["own"]["tickets_per_s"] = 123.0

    draw(results, tmp_path / "rates.svg")

    drawn = (tmp_path / "rates.svg").read_text("utf-8")
    assert ">123<" in drawn
    assert "Paidan, nf4" in drawn
    assert "generate" not in drawn
