"""Read seeded tables of plausible messages back: is any other text than was written read?

    python -m bench.files --seed 3407 --count 2000

Prints a row an encoding and ends with one line of JSON. It exits with 1 if a table was read as
another text, or if too few were read of what must be read without ``--encoding``.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bench.tables import DIALECTS, ENCODINGS, Written, write_table
from core.errors import InputError
from producer.files.reader import read_rows

# Share that must be read; of GB18030 only tables of ten rows or more count.
_MUST = {"utf-8": 1.0, "utf-8-sig": 1.0, "utf-16": 1.0, "gb18030": 0.99, "gbk": 0.99}
_LONG_ROWS = 10
_SHOWN = 10


def judge(written: Written, folder: Path) -> tuple[str, str]:
    """Read a table and return "read", "refused" or "wrong", and what a person should see."""
    path = folder / f"table{written.suffix}"
    path.write_bytes(written.content)
    try:
        rows = list(read_rows(path))
    except InputError as error:
        return "refused", str(error)
    if bad := next((row for row in rows if row.problem), None):
        return "refused", f"line {bad.line}: {bad.problem}"
    found = [tuple(row.values.values()) for row in rows]
    if found == written.rows:
        return "read", ""
    pairs = zip(found, written.rows, strict=False)
    return "wrong", str(next((p for p in pairs if p[0] != p[1]), (len(found), len(written.rows))))


def main() -> None:
    """Write, read, count and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=3407)
    parser.add_argument("--count", type=int, default=2000, help="number of tables")
    parser.add_argument("--verbose", action="store_true", help="print why tables are refused")
    options = parser.parse_args()
    began = time.monotonic()
    counts: Counter[tuple[str, str]] = Counter()
    long: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    ways = [(dialect, encoding) for encoding in ENCODINGS for dialect in DIALECTS]
    with tempfile.TemporaryDirectory() as name:
        for number in range(options.count):
            dialect, encoding = ways[number % len(ways)]
            written = write_table(options.seed * 1_000_003 + number, dialect, encoding)
            result, detail = judge(written, Path(name))
            counts[encoding, result] += 1
            if len(written.rows) >= _LONG_ROWS:
                long[encoding, result] += 1
            if result == "wrong":
                wrong.append(f"{encoding}, {dialect}, {written.language}: {detail}")
            elif result == "refused" and options.verbose:
                place = f"{encoding}, {dialect}, {written.language}, {len(written.rows)} rows"
                print(f"refused: {place}: {detail}")
    _report(options.seed, options.count, counts, long, wrong, time.monotonic() - began)


def _share(counts: Counter[tuple[str, str]], encoding: str) -> float:
    total = sum(counts[encoding, result] for result in ("read", "refused", "wrong"))
    return counts[encoding, "read"] / total if total else 1.0


def _report(
    seed: int,
    count: int,
    counts: Counter[tuple[str, str]],
    long: Counter[tuple[str, str]],
    wrong: list[str],
    seconds: float,
) -> None:
    print(f"{'encoding':12}{'read':>7}{'refused':>9}{'wrong':>7}{'share':>9}{'from ten rows':>15}")
    for encoding in ENCODINGS:
        read, refused, bad = (counts[encoding, r] for r in ("read", "refused", "wrong"))
        shares = f"{_share(counts, encoding):9.1%}{_share(long, encoding):15.1%}"
        print(f"{encoding:12}{read:7}{refused:9}{bad:7}{shares}")
    for line in wrong[:_SHOWN]:
        print(f"wrong: {line}")
    missed = [
        encoding
        for encoding, share in _MUST.items()
        if _share(long if encoding.startswith("gb") else counts, encoding) < share
    ]
    summary = {
        "seed": seed,
        "tables": count,
        "wrong": len(wrong),
        "missed": missed,
        "read": {encoding: round(_share(counts, encoding), 4) for encoding in ENCODINGS},
        "read_from_ten_rows": {
            encoding: round(_share(long, encoding), 4) for encoding in ENCODINGS
        },
        "seconds": round(seconds, 1),
    }
    print(json.dumps(summary))
    sys.exit(bool(wrong or missed))


if __name__ == "__main__":
    main()
