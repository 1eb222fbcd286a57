"""A run's turn at a card that cannot hold a worker's model and a training at once.

``PAIDAN_TRAINING_CARD`` says how they share it: ``together`` leaves the card to both. With
``take-turns`` workers let go of it for each run, within ``PAIDAN_TRAINING_HOURS``. ``auto`` takes
turns where less of the card's memory is free than a run needs.
"""

import logging
import os
import shutil
import subprocess
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from core.faults import describe
from core.settings import Settings
from db import Database, cards, claims
from db.run_tables import Run
from training.runs.patience import patiently

logger = logging.getLogger(__name__)

_QUERY_TIMEOUT_S = 30
_MIB = 1 << 20
_POLL_S = 0.2


def takes_turns(settings: Settings) -> bool:
    """Whether workers have to let go of the card for a run that begins now."""
    if settings.training_card != "auto":
        return settings.training_card == "take-turns"
    free = free_memory()
    return free is not None and free < (settings.training_memory or 0)


def may_begin(session: Session, settings: Settings) -> bool:
    """Whether a run may have the card to itself now."""
    if not is_within(settings.training_hours, datetime.now(ZoneInfo(settings.timezone))):
        return False
    return not settings.training_live_wait or not claims.live_under_way(session)


def why_over(session: Session, settings: Settings) -> str | None:
    """Return why a run has to give the card back now; None where it does not."""
    if not is_within(settings.training_hours, datetime.now(ZoneInfo(settings.timezone))):
        return f"it is not {settings.training_hours} (PAIDAN_TRAINING_HOURS)"
    waited, most = cards.live_wait(session), settings.training_live_wait
    if most and waited > most:
        return f"a live ticket waits for {waited:.0f} s (PAIDAN_TRAINING_LIVE_WAIT)"
    return None


def await_card(database: Database, settings: Settings, run: Run) -> None:
    """Wait until each worker that lives has let go of a run's card; its trainer may end that."""
    told: list[str] = []

    def read() -> list[str]:
        with database.reading() as session:
            return cards.keepers(session, run, settings.heartbeat)

    while keepers := patiently(read, settings.heartbeat):
        if keepers != told:
            logger.info(
                "waits until workers let go of the card",
                extra={"action": "card.awaited", "run": run.id, "workers": keepers},
            )
        told = keepers
        time.sleep(_POLL_S)
    logger.info("the card is this run's", extra={"action": "card.taken", "run": run.id})


def is_within(hours: str, now: datetime) -> bool:
    """Whether a time is in a span of the day (HH:MM-HH:MM); always where it is empty."""
    first, _, last = hours.partition("-")
    time_of_day = f"{now:%H:%M}"
    if first <= last:
        return not hours or first <= time_of_day < last
    return time_of_day >= first or time_of_day < last


def free_memory() -> int | None:
    """Return the bytes that nobody uses of the card that this process sees; None without one."""
    card, program = os.environ.get("CUDA_VISIBLE_DEVICES"), shutil.which("nvidia-smi")
    if not card or program is None:
        return None
    query = [program, "--query-gpu=memory.free", "--format=csv,noheader,nounits", "-i", card]
    try:
        done = subprocess.run(
            query, capture_output=True, text=True, timeout=_QUERY_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        logger.warning(
            "the driver does not say how much of the card is free: %s",
            describe(error),
            extra={"action": "card.unknown"},
        )
        return None
    told = done.stdout.strip()
    return int(told) * _MIB if done.returncode == 0 and told.isdigit() else None
