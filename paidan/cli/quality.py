"""``paidan quality``: how right the routed tickets are, and whether tickets have changed."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from core.settings import get_settings
from paidan.cli.options import JSON, opened_database, print_json, read_moment
from paidan.cli.quality_report import print_quality

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.drift import Drift
    from db.quality import Counts
    from db.returned import Received

# Long enough for some hundred sampled tickets, short enough for what is still true.
_WEEKS = 12


@click.command()
@click.option("--since", help="Answered then or later [default: 12 weeks ago].")
@click.option("--until", help="Answered before; of a date, its end [default: now].")
@JSON
def quality(since: str | None, until: str | None, *, as_json: bool) -> None:
    """Estimate the error of routed tickets from the blind sample, by week and unit.

    Units' returns and drift are shown, too.
    """
    settings = get_settings()
    zone = ZoneInfo(settings.timezone)
    end = read_moment("--until", until, zone, after_date=True) or datetime.now(UTC)
    start = read_moment("--since", since, zone) or end - timedelta(weeks=_WEEKS)
    if start >= end:
        raise click.BadParameter("it is not before --until", param_hint="--since")
    with opened_database(settings) as database, database.reading() as session:
        state = _read(session, start, end, zone, settings.review_sample)
    if as_json:
        print_json(state)
    else:
        print_quality(state)


def _read(
    session: "Session", start: datetime, end: datetime, zone: ZoneInfo, share: float
) -> dict[str, Any]:
    """Return what is told of a period, as JSON has it."""
    from db import drift, quality, returned, taxonomy

    found = quality.read_quality(session, start, end, zone)
    received = returned.read_received(session, start, end)
    index = taxonomy.read_index(session)
    weeks = [
        {"week": week.label, **_figures(counts), "is_share": counts.is_share(share)}
        for week, counts in found.by_week
    ]
    units = [
        {
            "unit": code,
            "name": index.units[code].name,
            "now": [unit.code for unit in index.stands_now(code)],
            **_figures(found.by_unit.get(code, quality.Counts())),
            **_returns(received.get(code, returned.Received())),
        }
        for code in sorted(found.by_unit.keys() | received.keys())
    ]
    return {
        "since": start.isoformat(),
        "until": end.isoformat(),
        "share": share,
        "total": _figures(found.total),
        "weeks": weeks,
        "units": units,
        "drift": _drift(drift.read_drift(session)),
    }


def _figures(counts: "Counts") -> dict[str, Any]:
    error = counts.error
    return {
        "routed": counts.routed,
        "sampled": counts.sampled,
        "undecided": counts.undecided,
        "wrong": counts.wrong,
        "accuracy": None if error is None else 1 - error,
        "error": error,
        "error_interval": counts.error_interval,
        "error_limits": counts.error_limits,
        "overridden": counts.overridden,
        "override_rate": counts.override_rate,
        "override_interval": counts.override_interval,
    }


def _returns(received: "Received") -> dict[str, Any]:
    return {
        "sent": received.sent,
        "returned": received.returned,
        "return_rate": received.returned / received.sent if received.sent else None,
    }


def _drift(found: "Drift") -> dict[str, Any]:
    from db.figures import THRESHOLDS

    return {
        "version": found.version,
        "answers": found.answers,
        "needed": found.needed,
        "measures": [
            {
                "measure": one.measure,
                "reference": one.reference,
                "recent": one.recent,
                "by": one.by,
                "chance": one.chance,
                "threshold": THRESHOLDS[one.measure],
                "crossed": one.is_crossed,
                "against": one.against,
            }
            for one in found.moved
        ],
    }


COMMANDS = (quality,)
