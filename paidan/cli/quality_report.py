"""Tells what ``paidan quality`` found."""

from collections.abc import Sequence
from typing import Any

import click

_COLUMNS = ("routed", "sampled", "undecided", "wrong", "error", "95 % interval", "overridden")


def print_quality(state: dict[str, Any]) -> None:
    """Print the whole state: estimate, weeks, units and drift."""
    _print_total(state["total"], state["share"])
    _print_shares(state)
    weeks = [week for week in state["weeks"] if week["routed"] or week["sampled"]]
    if weeks:
        _print_table("week", [(week["week"], week) for week in weeks])
    if state["units"]:
        _print_table("unit", [(unit["name"], unit) for unit in state["units"]])
    _print_drift(state["drift"])


def _print_total(total: dict[str, Any], share: float) -> None:
    low, high = total["error_interval"]
    click.echo(
        f"routed     {total['routed']:,} tickets by the model alone; {total['sampled']:,} more "
        "were drawn into the blind sample"
    )
    if total["error"] is None:
        waits = f": {total['undecided']:,} wait for a person" if total["undecided"] else ""
        hint = "" if share else ": set PAIDAN_REVIEW_SAMPLE, such as to 0.01"
        click.echo(f"error      not known, no ticket of the sample is decided{waits}{hint}")
    else:
        click.echo(
            f"error      {total['error']:.1%} of them, by the sample; with 95 % confidence "
            f"{low:.1%} to {high:.1%} (accuracy {1 - high:.1%} to {1 - low:.1%})"
        )
        if total["undecided"]:
            best, worst = total["error_limits"]
            click.echo(
                f"doubtful   {total['undecided']:,} of {total['sampled']:,} sampled tickets are "
                f"undecided: in the sample the error is {best:.1%} if all of them are right, "
                f"{worst:.1%} if all are wrong"
            )
    if total["override_rate"] is not None:
        low, high = total["override_interval"]
        click.echo(
            f"overridden {total['overridden']:,} routed tickets, {total['override_rate']:.1%} "
            f"({low:.1%} to {high:.1%}): people or units noticed those"
        )


def _print_shares(state: dict[str, Any]) -> None:
    other = [week["week"] for week in state["weeks"] if not week["is_share"]]
    if other:
        click.echo(
            f"note       in {', '.join(other)} the sample had another share than "
            f"{state['share']:.1%}: the total counts weeks with a larger share more"
        )


def _print_table(head: str, rows: Sequence[tuple[str, dict[str, Any]]]) -> None:
    click.echo("\n" + "".join(f"{name:>14}" for name in _COLUMNS) + f"  {head}")
    for name, row in rows:
        low, high = row["error_interval"]
        known = row["error"] is not None
        cells = (
            *(f"{row[column]:,}" for column in _COLUMNS[:4]),
            f"{row['error']:.1%}" if known else "-",
            f"{low:.1%} - {high:.1%}" if known else "-",
            f"{row['overridden']:,}",
        )
        # Names last: how wide they are is the terminal's secret.
        told = f"  {name}"
        if row.get("now", [row.get("unit")]) != [row.get("unit")]:
            told += f" (now {', '.join(row['now']) or 'retired'})"
        if row.get("returned"):
            told += f" (returned {row['returned']:,} of {row['sent']:,}, {row['return_rate']:.1%})"
        click.echo("".join(f"{cell:>14}" for cell in cells) + told)


def _print_drift(drift: dict[str, Any]) -> None:
    if not drift["measures"]:
        version = drift["version"] or "no champion"
        given = f"{drift['answers']:,} of {drift['needed']:,} answers"
        click.echo(f"\ndrift      not known: {version}, {given}")
        return
    click.echo(
        f"\ndrift of {drift['version']}: its newest answers against what it learned, or its first"
    )
    for one in drift["measures"]:
        # Of the mix there is a distance alone.
        before = "" if one["measure"] == "unit mix" else f"{one['reference']:.1%} -> "
        verdict = "CROSSED" if one["crossed"] else "within"
        click.echo(
            f"  {one['measure']:14} {before}{one['recent']:.1%}: {one['by']:+.1%} for the worse "
            f"(chance {one['chance']:.1%}), {verdict} {one['threshold']:.0%}, "
            f"against {one['against']}"
        )
