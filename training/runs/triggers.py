"""When a run starts by itself: by the clock, after so many decisions, or to judge by a draw."""

import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from core.settings import Settings
from db import Database, draws, judgings, runs, versions
from db.draw_tables import Draw
from db.run_tables import Run

logger = logging.getLogger(__name__)

ANSWERED = 0.9
"""The share of a draw with which a run judges by itself: some tickets nobody can answer."""

_SET_BACK_S = -60.0
"""What is younger than this was stamped before the database's clock was set back."""

_LATE_S = 3600.0
"""So late the first run of a time of day may begin: nobody who asks for the night means noon."""

_LINEAR, _LLM = "linear", "llm"


def ask_where_due(database: Database, settings: Settings, *, actor: str) -> int | None:
    """Ask for a run if one is due and none is under way; return its id.

    It is to make what the newest run that ended well has made, from the same seed set.
    """
    if not settings.retrain_decisions and not settings.retrain_every:
        return None
    with database.reading() as session:
        if why_due(session, settings) is None:
            return None
    with database.writing() as session:
        runs.ask_alone(session)
        reason = why_due(session, settings)  # another trainer may have been first
        if reason is None:
            return None
        run_id = _ask_like_the_last(session, reason, actor)
    logger.info("asked for a run", extra={"action": "run.asked", "run": run_id, "for": reason})
    return run_id


def judge_where_due(database: Database, *, actor: str) -> int | None:
    """Ask for a run that judges by the disagreements which people have answered; return its id."""
    with database.reading() as session:
        if _answered_draw(session) is None:
            return None
    with database.writing() as session:
        runs.ask_alone(session)
        draw = _answered_draw(session)  # another trainer may have been first
        if draw is None:
            return None
        run = session.get_one(Run, draw.run_id)
        run_id = judgings.judge_anew(
            session, run, draw=False, asked_for=runs.DECISIONS, actor=actor
        )
    logger.info("asked for a run", extra={"action": "run.asked", "run": run_id, "for": "judging"})
    return run_id


def _answered_draw(session: Session) -> Draw | None:
    """Return the draw that asks now, if it is answered and nobody was asked to judge by it."""
    draw = draws.open_draw(session)
    if draw is None or runs.is_under_way(session) or judgings.was_judged_since(session, draw):
        return None
    found = draws.progress(session, draw)
    is_enough = found.answered >= ANSWERED * (found.answered + found.waiting) > 0
    return draw if is_enough else None


def why_due(session: Session, settings: Settings) -> str | None:
    """Return for which reason a run is due now, None for no reason."""
    if runs.is_under_way(session):
        return None
    last = runs.newest(session)
    if last is not None and _SET_BACK_S < (last.ended_age or 0) < 60 * settings.retrain_pause:
        return None
    wanted = settings.retrain_decisions
    since = last.newest_decision if last else 0
    if wanted and runs.decisions_since(session, since) >= wanted:
        return runs.DECISIONS
    if settings.retrain_every and _is_time(last, settings):
        return runs.SCHEDULE
    return None


def _is_time(last: Run | None, settings: Settings) -> bool:
    """Whether the schedule's newest moment is later than the last run."""
    every = settings.retrain_every
    age = last.asked_age if last is not None and last.asked_age >= _SET_BACK_S else None
    if ":" not in every:
        return age is None or age >= 60 * int(every)
    since = seconds_since(every, datetime.now(ZoneInfo(settings.timezone)))
    return since < _LATE_S if age is None else age > since


def seconds_since(time_of_day: str, now: datetime) -> float:
    """Return the seconds since it was last so late (HH:MM) in the zone of ``now``.

    Once a day: where clocks go back, the first of two such moments counts; where they go forward
    past it, as if they had not yet (PEP 495).
    """
    hour, minute = map(int, time_of_day.split(":"))
    moment = now.replace(hour=hour, minute=minute, second=0, microsecond=0, fold=0)
    if moment.timestamp() > now.timestamp():
        moment -= timedelta(days=1)
    return now.timestamp() - moment.timestamp()


def _ask_like_the_last(session: Session, reason: str, actor: str) -> int:
    last = runs.newest(session, ended_well=True) or runs.newest(session)
    if last is not None:
        return runs.ask(session, last.kind, last.parameters, asked_for=reason, actor=actor)
    champion = versions.champion(session)
    is_llm = champion is not None and versions.get_version(session, champion).kind == _LLM
    return runs.ask(session, _LLM if is_llm else _LINEAR, {}, asked_for=reason, actor=actor)
