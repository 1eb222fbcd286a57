"""Where a run's version stands: whether it answers, in the shadow, and what people are asked."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from db.run_tables import Run


def describe_standing(session: "Session", run: "Run") -> dict[str, Any]:
    """Return for programs how a run's version stands now.

    ``alias`` is champion, candidate or None; ``shadow`` and ``blind`` are None where it is not in
    the shadow, and where nobody is asked about its disagreements.
    """
    from db import draws, shadow, versions

    aliases = {
        versions.candidate(session): versions.CANDIDATE,
        versions.champion(session): versions.CHAMPION,
    }
    now, draw = shadow.current(session), draws.open_draw(session)
    standing: dict[str, Any] = {"alias": None, "shadow": None, "blind": None}
    if run.version is None:
        return standing
    standing["alias"] = aliases.get(run.version)
    if now is not None and now.version == run.version:
        counts = shadow.agreement(session, run.version)
        agreed = {"answered": counts.answered, "agreed": counts.agreed}
        standing["shadow"] = {"share": now.share, **agreed}
    if draw is not None and draw.run_id in (run.id, run.judges):
        found = draws.progress(session, draw)
        standing["blind"] = {"answered": found.answered, "waiting": found.waiting}
    return standing


def standing_lines(standing: dict[str, Any]) -> list[str]:
    """Return the same as lines for people."""
    lines = []
    if alias := standing["alias"]:
        lines.append(f"{'stands':16} {alias}")
    if shadow := standing["shadow"]:
        lines.append(
            f"{'in the shadow':16} of {shadow['share']:.0%} of the tickets {shadow['answered']:,} "
            f"answered, {shadow['agreed']:,} as the champion (paidan shadow list)"
        )
    if blind := standing["blind"]:
        drawn = blind["answered"] + blind["waiting"]
        lines.append(
            f"{'asked blind':16} of {drawn:,} disagreements {blind['answered']:,} are answered: "
            "paidan export FILE --blind, then paidan correct FILE --blind"
        )
    return lines
