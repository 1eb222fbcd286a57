"""Runs seeds and prints a table row for each, then one line of JSON.

python -m tests.whole.chaos_training --seed 7 --database postgresql
"""

import json
import logging
import sys
import tempfile
from pathlib import Path

import click

from tests.support.siege_report import explain, summary, tell
from tests.whole.chaos_training.siege import Report, besiege
from tests.whole.chaos_training.stack import Plan
from tests.whole.chaos_training.strikes import CHILD, DATABASE, PARENT, REDIS

HEADINGS = (
    "seed",
    "database",
    "seconds",
    "kills of child / trainer / Redis / database",
    "runs",
    "attempts",
    "tickets",
    "refused pushes",
    "left to the relay",
    "lost",
    "double",
    "longest wait",
    "weights differ by",
    "result",
)


def row(report: Report) -> str:
    """Return a siege as a row of a Markdown table."""
    kills = (str(report.kills.get(what, 0)) for what in (CHILD, PARENT, REDIS, DATABASE))
    cells = (
        report.seed,
        report.database,
        f"{report.seconds:.0f}",
        " / ".join(kills),
        report.runs,
        report.attempts,
        report.pushed,
        f"{report.refused} ({report.known} stored)",
        report.unpublished,
        report.lost,
        report.doubled,
        f"{report.longest_wait:.1f} s",
        f"{report.difference:.1g}",
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
@click.option("--kills", default=5, show_default=True, help="Of each that can be killed.")
@click.option("--every", default=0.25, show_default=True, help="Seconds between two tickets.")
@click.option("--verbose", is_flag=True, help="Tell each kill.")
def main(seeds: tuple[int, ...], database: str, kills: int, every: float, *, verbose: bool) -> None:
    """Kill what a training needs; exit code 1 if anything was found."""
    # Producers say that Redis is away; a siege is made of that.
    logging.getLogger().addHandler(logging.NullHandler())
    click.echo("| " + " | ".join(HEADINGS) + " |")
    click.echo("|" + " --- |" * len(HEADINGS))
    reports = []
    for name in ("sqlite", "postgresql") if database == "both" else (database,):
        for seed in seeds:
            plan = Plan(seed, name, kills=kills, every=every)
            folder = Path(tempfile.mkdtemp(prefix=f"paidan-siege-{name}-{seed}-"))
            report = besiege(plan, folder, tell if verbose else lambda _: None)
            reports.append(report)
            click.echo(row(report))
            if not report.is_clean:
                explain(report, folder, "killed", report.strikes)
    clean = all(report.is_clean for report in reports)
    click.echo(json.dumps(summary(reports) | {"clean": clean}, ensure_ascii=False))
    sys.exit(0 if clean else 1)


if __name__ == "__main__":
    main()
