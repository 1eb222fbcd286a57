"""Runs seeds and prints a table row for each, then one line of JSON.

python -m tests.whole.chaos --seed 7 --database postgresql --seconds 180
"""

import json
import logging
import sys
import tempfile
from pathlib import Path

import click

from tests.support.siege_report import explain, summary, tell
from tests.whole.chaos.run import Report, endure
from tests.whole.chaos.world import Plan

HEADINGS = (
    "seed",
    "database",
    "Redis over",
    "faults for",
    "faults",
    "tickets",
    "corrections",
    "returns",
    "restarts",
    "lost",
    "double",
    "dead",
    "silent",
    "longest idle",
    "all done after",
    "result",
)


def row(report: Report) -> str:
    """Return a run as a row of a Markdown table."""
    cells = (
        report.seed,
        report.database,
        {"unix": "a socket", "redis": "TCP"}[report.transport],
        f"{report.seconds:.0f} s",
        report.faults,
        report.tickets,
        report.corrected,
        report.returned,
        report.restarts,
        report.lost,
        report.double,
        report.dead,
        report.silent,
        f"{report.longest_idle:.0f} s",
        "never" if report.drained is None else f"{report.drained:.0f} s",
        "clean" if report.is_clean else "FAULTS",
    )
    return "| " + " | ".join(map(str, cells)) + " |"


@click.command()
@click.option("--seed", "seeds", type=int, multiple=True, default=(1,), show_default=True)
@click.option(
    "--database",
    type=click.Choice(["sqlite", "postgresql", "both"]),
    default="both",
    show_default=True,
)
@click.option("--seconds", type=float, default=180.0, show_default=True, help="Faults go on so.")
@click.option("--drain", type=float, default=150.0, show_default=True, help="Time to be done in.")
@click.option("--silent-after", type=float, default=15.0, show_default=True)
@click.option("--quick", is_flag=True, help="Short times and faults, as in the tests.")
@click.option("--verbose", is_flag=True, help="Tell each fault as it begins.")
def main(
    seeds: tuple[int, ...],
    database: str,
    seconds: float,
    drain: float,
    silent_after: float,
    *,
    quick: bool,
    verbose: bool,
) -> None:
    """Run seeded chaos; exit code 1 if anything was found."""
    # Producers say that Redis is away; the run is made of that.
    logging.getLogger().addHandler(logging.NullHandler())
    databases = ("sqlite", "postgresql") if database == "both" else (database,)
    click.echo("| " + " | ".join(HEADINGS) + " |")
    click.echo("|" + " --- |" * len(HEADINGS))
    reports = []
    for name in databases:
        for seed in seeds:
            plan = Plan(seed, name, seconds, drain, silent_after, quick)
            folder = Path(tempfile.mkdtemp(prefix=f"paidan-chaos-{name}-{seed}-"))
            folder.chmod(0o755)
            report = endure(plan, folder, tell if verbose else lambda line: None)
            reports.append(report)
            click.echo(row(report))
            if not report.is_clean:
                explain(report, folder, "fault", report.schedule)
    clean = all(report.is_clean for report in reports)
    click.echo(json.dumps(summary(reports) | {"clean": clean}, ensure_ascii=False))
    sys.exit(0 if clean else 1)


if __name__ == "__main__":
    main()
