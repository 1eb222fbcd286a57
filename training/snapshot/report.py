"""What came of a snapshot's rows, for people and for the manifest. It quotes no text."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import numpy as np
from pydantic import JsonValue

from core.text import estimate_tokens
from training.snapshot.rows import LEARNED_PARTS, Part, Row

_QUANTILES = {"least": 0.0, "median": 0.5, "p90": 0.9, "most": 1.0}
_LISTED, _SHOWN = 50, 3


def report_of(
    read: Mapping[str, int],
    parts: Mapping[Part, Sequence[Row]],
    left_out: Mapping[str, int],
    conflicts: Sequence[Sequence[str]],
    active: int,
) -> dict[str, JsonValue]:
    """Return the report.

    Args:
        read: how many rows each source has.
        parts: the rows.
        left_out: how many rows are in no part, by reason.
        conflicts: of each group with different units, where some of its rows stand.
        active: how many units are active.
    """
    learned = [row for part in LEARNED_PARTS for row in parts[part]]
    sizes = Counter(row.unit for row in parts["training"])
    return {
        "read": dict(read),
        "parts": {part: len(rows) for part, rows in parts.items()},
        "left_out": dict(sorted(left_out.items())),
        "conflicts": len(conflicts),
        "conflicts_at": [list(group) for group in conflicts[:_LISTED]],
        "asked": dict(Counter(row.asked for row in learned if row.origin == "decision")),
        "weight": round(sum(row.weight for row in parts["training"]), 6),
        "units": {"active": active, "taught": len(sizes), "fewest": min(sizes.values(), default=0)},
        "characters": _quantiles(len(row.text) for row in learned),
        "tokens": _quantiles(estimate_tokens(None, row.text) for row in learned),
    }


def _quantiles(lengths: Iterable[int]) -> dict[str, JsonValue]:
    found = np.array(list(lengths) or [0])
    return {name: int(np.quantile(found, share)) for name, share in _QUANTILES.items()}


def report_lines(name: str, report: Mapping[str, JsonValue]) -> list[str]:
    """Return the report in words."""
    parts, read, units = (_numbers(report, key) for key in ("parts", "read", "units"))
    lines = [
        f"snapshot {name}: " + ", ".join(f"{part} {count:,}" for part, count in parts.items()),
        "read: " + ", ".join(f"{source} {count:,}" for source, count in read.items()),
        f"units: {units['active']:,} active, {units['taught']:,} taught",
        f"tickets of the rarest unit that is taught: {units['fewest']:,}",
    ]
    for unit in ("characters", "tokens"):
        told = ", ".join(f"{name} {count:,}" for name, count in _numbers(report, unit).items())
        lines.append(f"{unit} of a ticket{' (estimated)' if unit == 'tokens' else ''}: {told}")
    lines += [f"left out: {n:,} ({why})" for why, n in _numbers(report, "left_out").items()]
    lines += [f"erased since: {report['erased']:,}"] if "erased" in report else []
    return lines + _conflict_lines(report)


def _conflict_lines(report: Mapping[str, JsonValue]) -> list[str]:
    count, groups = report["conflicts"], cast("list[list[str]]", report["conflicts_at"])
    if not count:
        return []
    shown = "; ".join(" and ".join(map(str, group)) for group in groups[:_SHOWN])
    return [f"near-duplicates with different units: {count:,} groups, such as {shown}"]


def _numbers(report: Mapping[str, JsonValue], key: str) -> dict[str, int]:
    return cast("dict[str, int]", report[key])
