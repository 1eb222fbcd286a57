"""Draws: a champion, a run that made a challenger, and tickets that people are asked about."""

from collections.abc import Sequence

from db import Database, draws, runs, versions
from db.models import ModelVersion
from db.run_tables import Run, RunState


def register_pair(database: Database, champion: str = "v", challenger: str = "w") -> None:
    """Register two versions; the first is champion."""
    with database.writing() as session:
        for name in (champion, challenger):
            session.add(ModelVersion(name=name, kind="constant", manifest_sha256="0" * 64))
            session.flush()
        versions.promote(session, champion, actor="test")


def ended_run(
    database: Database,
    version: str,
    state: RunState = RunState.DONE,
    verdict: dict[str, object] | None = None,
) -> int:
    """A run that has made a version; return its id."""
    with database.writing() as session:
        run_id = runs.ask(session, "linear", {}, asked_for=runs.HAND, actor="ann")
        run = session.get_one(Run, run_id)
        run.state, run.version, run.verdict, run.snapshot_sha256 = state, version, verdict, "5" * 64
    return run_id


def put_draw(database: Database, run_id: int, tickets: Sequence[int], champion: str = "v") -> int:
    """Ask people about tickets; return the draw."""
    with database.writing() as session:
        draws.enter(session, run_id, champion=champion, share=0.1, tickets=tickets)
        draw = draws.open_draw(session)
        assert draw is not None
        return draw.id
