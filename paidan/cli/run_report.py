"""What ``paidan runs`` tells of a run and its curves."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from paidan.cli.run_standing import standing_lines

if TYPE_CHECKING:
    from db.run_tables import Run, RunPoint

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 40
_GIB = 1 << 30


def describe_run(run: "Run") -> dict[str, Any]:
    """Return a run's row for programs: times in ISO 8601, without the lease."""
    times = {
        name: None if moment is None else moment.isoformat(timespec="seconds")
        for name, moment in (
            ("asked_at", run.asked_at),
            ("started_at", run.started_at),
            ("ended_at", run.ended_at),
        )
    }
    return {
        "run": run.id,
        "kind": run.kind,
        "state": str(run.state),
        "asked_for": run.asked_for,
        "by": run.actor,
        **times,
        "holder": run.holder,
        "device": run.device,
        "attempts": run.attempts,
        "deaths": run.deaths,
        "checkpoint_step": run.checkpoint_step,
        "cancelled_by": run.cancelled_by,
        "parameters": run.parameters,
        "snapshot_sha256": run.snapshot_sha256,
        "judges": run.judges,
        "version": run.version,
        "verdict": run.verdict,
        "error": run.error,
    }


def describe_point(point: "RunPoint") -> dict[str, Any]:
    """Return a point for programs."""
    return {"step": point.step, "seconds": point.seconds} | {
        name: _value(point, name) for name, _, _ in _CURVES
    }


def _value(point: "RunPoint", name: str) -> float | None:
    """Return a value; None for what is no finite number, which an older Paidan stored."""
    value: float | None = getattr(point, name)
    return value if value is not None and math.isfinite(value) else None


def print_run(
    run: "Run",
    standing: dict[str, Any],
    points: "Sequence[RunPoint]",
    suspects: str | None = None,
) -> None:
    """Print a run, a line a fact, how its version stands, the gate's verdict and the curves."""
    for name, value in (describe_run(run) | {"suspects": suspects}).items():
        if value is not None and value != {} and name != "verdict":
            click.echo(f"{name:16} {value}")
    for line in (*standing_lines(standing), *verdict_lines(run.verdict)):
        click.echo(line)
    if run.heartbeat_age is not None and run.ended_at is None:
        click.echo(f"{'heartbeat':16} {run.heartbeat_age:,.0f} s ago")
    if not points:
        return
    last = points[-1]
    click.echo(f"{'step':16} {last.step:,} after {last.seconds:,.0f} s")
    for name, scale, form in _CURVES:
        values = [value / scale for one in points if (value := _value(one, name)) is not None]
        if values:
            click.echo(f"{name:16} {values[-1]:{form}}  {sparkline(values)}")


def verdict_lines(verdict: dict[str, Any] | None) -> list[str]:
    """Return the gate's verdict, a line a check, refusals first."""
    if verdict is None:
        return []
    result = "lets it pass" if verdict["promoted"] else "refuses it"
    lines = [f"{'the gate':16} {result} against {verdict['champion']} (look {verdict['look']})"]
    for one in sorted(verdict["findings"], key=lambda finding: finding["passed"]):
        word, cure = ("passed" if one["passed"] else "refused"), one["cure"]
        told = f". {cure[:1].upper()}{cure[1:]}" if cure else ""
        lines.append(f"  {word}, {one['check']}: {one['text']}{told}")
    return lines


# Name, unit, form.
_CURVES = (
    ("loss", 1, ".4f"),
    ("validation", 1, ".4f"),
    ("learning_rate", 1, ".2e"),
    ("grad_norm", 1, ".3f"),
    ("tickets_per_s", 1, ".1f"),
    ("gpu_memory", _GIB, ".2f"),
)


def sparkline(values: Sequence[float], width: int = _WIDTH) -> str:
    """Return a curve as one line of at most so many characters, the lowest value lowest."""
    size = max(1, -(-len(values) // width))
    means = [
        sum(part) / len(part)
        for part in (values[at : at + size] for at in range(0, len(values), size))
    ]
    low, high = min(means), max(means)
    steps = len(_BARS) - 1
    return "".join(
        _BARS[round((mean - low) / (high - low) * steps) if high > low else 0] for mean in means
    )
