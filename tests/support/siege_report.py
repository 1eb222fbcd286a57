"""What the commands that besiege a stack print: a row each, what was found, a line of JSON."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import click


class Report(Protocol):
    """How one siege ended."""

    @property
    def seed(self) -> int: ...
    @property
    def database(self) -> str: ...
    @property
    def problems(self) -> Sequence[str]: ...
    def as_json(self) -> dict[str, Any]: ...


def tell(line: str) -> None:
    """Print a line beside the results."""
    click.echo(line, err=True)


def explain(report: Report, folder: Path, what: str, happened: Sequence[object]) -> None:
    """Say what was found, and what happened, so that it can be run again."""
    tell(f"seed {report.seed} on {report.database}; its files are in {folder}")
    for problem in report.problems:
        tell(f"  found: {problem}")
    for one in happened:
        tell(f"  {what}: {one}")


def summary(reports: Sequence[Report]) -> dict[str, object]:
    """Return date, machine and all reports."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {pages / 2**30:.0f} GiB, {platform.machine()}",
        "runs": [report.as_json() for report in reports],
    }
