"""What ``paidan recalibrate`` tells people and programs."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from training.drawn import Drawn
    from training.recalibration import Recalibration, Routing

LEFT_OUT = {
    "earlier": "decided before {since}; the version may have learned them (--since)",
    "doubted": "seen only because the model doubted",
    "wider": "of the blind sample while its share was larger (--share)",
    "routed": "routed by the model, and decided by a person afterwards",
    "unanswered": "decided before a model answered",
    "gone": "of a unit that is gone without a successor",
}
"""Why decided tickets are not used; see ``training.drawn``."""


def tell_left_out(drawn: "Drawn", since: datetime) -> None:
    """Tell on standard error which decided tickets are not used, and what the sample lacks."""
    reasons = [
        f"{drawn.left_out[reason]:,} {told.format(since=since.isoformat(timespec='minutes'))}"
        for reason, told in LEFT_OUT.items()
        if drawn.left_out.get(reason)
    ]
    if reasons:
        click.echo(f"decided tickets left out: {'; '.join(reasons)}", err=True)
    if drawn.waiting:
        click.echo(
            f"note: {drawn.waiting:,} tickets of the blind sample wait for a decision; if people "
            "decide the doubtful ones first, those decided are not like the stream",
            err=True,
        )
    if drawn.unseen:
        click.echo(
            f"note: {drawn.unseen:,} tickets were routed unseen while the sample's share was "
            "smaller, so sure answers are too few among the decided (--since, --share)",
            err=True,
        )


def why_too_few(name: str, done: "Recalibration", tickets: int) -> str:
    """Return why nothing is changed, how many tickets it takes, and what the version does now."""
    routed = f"{name} routes {done.before.coverage:.1%} of them as it is"
    if done.before.error is not None:
        routed += f", {done.before.error:.1%} of these wrong"
    return (
        f"to promise at most {done.calibration.error_target:.2%} errors, at least "
        f"{done.needed:,} tickets are needed (near-duplicates count once), and there are "
        f"{tickets:,}; {routed}. Nothing was changed: let people decide more of the blind sample, "
        "name a file of labelled tickets (--data), accept more errors (--error-target), or hold "
        "all back until then (--hold-all)"
    )


def report_json(
    name: str, done: "Recalibration", facts: dict[str, Any], number: int | None
) -> dict[str, Any]:
    """Return what changed, for programs.

    Args:
        name: the version's.
        done: its old and its new calibration.
        facts: what the record keeps of the tickets.
        number: the calibration's id, None where nothing was changed.
    """

    def figures(one: "Routing") -> dict[str, Any]:
        interval = one.interval if one.routed else None
        return {
            "threshold": one.threshold,
            "coverage": one.coverage,
            "error": one.error,
            "interval": interval,
        }

    return {
        "version": name,
        "calibration": number,
        **facts,
        "error_target": done.calibration.error_target,
        "error_bound": done.calibration.error_bound,
        "judged_on": done.after.tickets,
        "before": figures(done.before),
        "after": figures(done.after),
    }


def print_recalibration(
    name: str, done: "Recalibration", facts: dict[str, Any], number: int | None
) -> None:
    """Print what changed, for people; see ``report_json``."""
    from training.promise import promise_line

    told = f"{name}: {facts['tickets']:,} tickets"
    if facts["source"] == "decided":
        sure, doubtful = facts.get("sure", 0), facts.get("doubtful", 0)
        told += f" of the blind sample: {sure:,} sure answers, {doubtful:,} doubtful ones"
    click.echo(told)
    if done.unlearned:
        click.echo(f"{done.unlearned:,} of them are of units that the version never learned")
    click.echo(f"on {done.after.tickets:,} of them, which set the threshold (95% intervals):")
    click.echo("        threshold  routed  wrong of these")
    for when, routing in (("before", done.before), ("after", done.after)):
        click.echo(f"{when:6} {_brief(routing)}")
    click.echo(promise_line(done.calibration))
    if number is None:
        click.echo("nothing was changed (--dry-run)")
        return
    click.echo(f"calibration {number} is in force; workers take it between two batches")
    click.echo(f"back to the one before: paidan recalibrate {name} --rollback")


def _brief(one: "Routing") -> str:
    threshold = "-" if one.threshold > 1 else f"{one.threshold:.4f}"
    if one.error is None:
        return f"{threshold:>10}  {one.coverage:6.1%}  -"
    low, high = one.interval
    return f"{threshold:>10}  {one.coverage:6.1%}  {one.error:.1%} ({low:.1%} to {high:.1%})"
