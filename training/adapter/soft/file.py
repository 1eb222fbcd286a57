"""Soft labels of a file: JSONL, a ticket's probabilities of units a line."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import InputError
from core.json_text import parse_json
from core.text import model_text
from training.adapter.soft.settings import Missing
from training.adapter.soft.targets import Chances
from training.gate.tickets import text_hash
from training.samples import Sample

_TOLERANCE = 0.01
"""By so much a line's probabilities may miss 1: they are often written with a few digits."""
_HASH = re.compile(r"[0-9a-f]{64}")
_FORM = '{"text": "…", "units": {"A1": 0.7, "B2": 0.3}}'


def file_probabilities(
    path: Path,
    samples: Sequence[Sample],
    taught: Sequence[str],
    units: Collection[str],
    missing: Missing = "refuse",
) -> Chances:
    """Return (n, u) probabilities of n samples; a row of zeros where a line names no taught unit.

    Args:
        path: of the file. A line has ``text`` (and ``title``, if any) or the ``sha256`` of the text
            as models see it, and ``units``. Lines of other tickets are checked and left aside.
        samples: to be learned.
        taught: codes of the u units with samples. What a line gives to others is divided among
            these.
        units: codes of all units that there are.
        missing: "refuse" samples without a line and lines with an unknown unit; or "label": zeros
            for these samples, and unknown units left aside.

    Raises:
        InputError: the file cannot be read, a line is malformed, or as ``missing`` says.
    """
    found = read_soft_labels(path, frozenset(units) if missing == "refuse" else None)
    digests = [text_hash(sample.text) for sample in samples]
    without = [n for n, digest in enumerate(digests) if digest not in found]
    if without and missing == "refuse":
        first = samples[without[0]].source or f"text hash {digests[without[0]]}"
        raise InputError(
            f"{path} has no line for {len(without):,} of the {len(samples):,} tickets to learn "
            f"(the first: {first}): add a line for each, or leave [soft] out of the recipe"
        )
    told = [found.get(one, {}) for one in digests]
    rows = np.array([[one.get(code, 0.0) for code in taught] for one in told])
    sums = rows.sum(axis=1, keepdims=True)
    kept: Chances = np.divide(rows, sums, out=np.zeros_like(rows), where=sums > 0)
    return kept


def read_soft_labels(path: Path, units: frozenset[str] | None) -> dict[str, Mapping[str, float]]:
    """Return text hash -> unit -> probability.

    Args:
        path: of the file.
        units: codes of all units that there are; None takes any.

    Raises:
        InputError: it cannot be read, or a line is malformed.
    """
    try:
        # Not splitlines(): a text may hold other breaks, which JSON need not escape.
        lines = path.read_text("utf-8-sig").split("\n")
    except OSError as error:
        raise InputError(f"soft labels {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"soft labels {path} are not UTF-8: save the file as UTF-8") from error
    found: dict[str, Mapping[str, float]] = {}
    first: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        digest, chances = _parse(f"{path} line {number}", line, units)
        if digest in found:
            raise InputError(
                f"{path} line {number}: the ticket of line {first[digest]} once more: keep one"
            )
        found[digest], first[digest] = chances, number
    return found


def _parse(where: str, line: str, units: frozenset[str] | None) -> tuple[str, Mapping[str, float]]:
    try:
        row = parse_json(line)
    except ValueError as error:
        raise InputError(f"{where} is not JSON ({error}): write lines like {_FORM}") from error
    if not isinstance(row, dict) or not isinstance(row.get("units"), dict):
        raise InputError(f"{where} has no units: write lines like {_FORM}")
    return _digest(where, row), _chances(where, row["units"], units)


def _digest(where: str, row: Mapping[str, Any]) -> str:
    digest, text, title = row.get("sha256"), row.get("text"), row.get("title")
    if isinstance(digest, str):
        if not _HASH.fullmatch(digest.lower()):
            raise InputError(f"{where}: sha256 has not the 64 digits of a text's hash: mend it")
        return digest.lower()
    if isinstance(text, str) and isinstance(title, str | None):
        return text_hash(model_text(title, text))
    raise InputError(f"{where} names no ticket: give its text or sha256, like {_FORM}")


def _chances(
    where: str, told: Mapping[str, Any], units: frozenset[str] | None
) -> Mapping[str, float]:
    for code, chance in told.items():
        if units is not None and code not in units:
            raise InputError(
                f"{where}: unit {code} is not in the taxonomy: add it, or leave it out and divide "
                "its probability among the others"
            )
        if type(chance) not in (int, float) or not 0 <= chance <= 1:  # NaN is neither
            raise InputError(f"{where}: unit {code} has no probability from 0 to 1: mend it")
    total = math.fsum(told.values())
    if abs(total - 1) > _TOLERANCE:
        raise InputError(
            f"{where}: the probabilities sum to {total:.4g}, not to 1: divide each by their sum, "
            "or add the units that are left out"
        )
    return told
