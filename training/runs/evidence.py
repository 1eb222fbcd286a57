"""The decided tickets on which a run's version is compared with the champion."""

from math import ceil

from sqlalchemy.orm import Session

from core.text import model_text
from db import draws, taxonomy
from db.blind_sample import count_unseen
from db.draw_tables import Draw
from db.provenance import Asked
from training.gate.judging import Evidence
from training.gate.tickets import JudgedTicket
from training.snapshot.snapshot import Snapshot


def gather(session: Session, snapshot: Snapshot, draw: Draw | None) -> Evidence:
    """Return the tickets of a snapshot that judge, and what people said of drawn disagreements.

    Args:
        session: a session.
        snapshot: which the version has learned.
        draw: of the version and the champion; None where there is none.
    """
    return Evidence(
        snapshot.frozen,
        snapshot.recent,
        _unseen(session, snapshot),
        _answered(session, draw) if draw else (),
        draw.share if draw else None,
    )


def _answered(session: Session, draw: Draw) -> list[JudgedTicket]:
    """Return the answered tickets of a draw, no two near-duplicates, under the units of now."""
    answers = draws.answers(session, draw)
    codes = taxonomy.resolve(session, {one.unit for one in answers}, alike=False)
    return [
        JudgedTicket(model_text(one.title, one.text), codes[one.unit], row, Asked.DISAGREEMENT)
        for row, one in enumerate(answers)
        if one.unit in codes
    ]


def _unseen(session: Session, snapshot: Snapshot) -> int:
    """Return for how many tickets those stand that chance drew; 0 only where there are no others.

    Then what the champion doubted is all there is, and may decide.
    """
    recent = [row.ticket for row in snapshot.parts["recent"] if row.ticket is not None]
    if not recent:
        return 0
    share = snapshot.manifest.settings.get("recent_share")
    unseen = count_unseen(session, min(recent), max(recent))
    return ceil(unseen * (share if isinstance(share, float) else 1))
