"""Reads the labelled sets that are measured on, banking77 and hotline. Neither is ours to ship."""

import csv
import json
from pathlib import Path

from core.text import model_text
from training.samples import Sample

FIELDS = {"text": "category", "Question": "Response"}
"""What holds the ticket -> what holds its unit, in banking77 and in the article's schema."""


def read_part(directory: Path, part: str) -> list[Sample]:
    """Return the tickets of PART.csv or PART.jsonl as models see them; a unit's name is its code.

    Args:
        directory: of the set.
        part: "train" or "test".
    """
    file = directory / f"{part}.csv"
    if file.exists():
        with file.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    else:
        lines = file.with_suffix(".jsonl").read_text("utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
    text, unit = next((t, u) for t, u in FIELDS.items() if t in rows[0])
    return [Sample(model_text(None, row[text]), row[unit]) for row in rows]
