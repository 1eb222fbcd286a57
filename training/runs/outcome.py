"""What becomes of a version that was judged: it answers, waits, or is refused."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.settings import Settings
from db import draws, runs, shadow, versions
from db.run_tables import RunState
from training.runs.comparison import Asking, Judgement


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run's version, judged.

    Parameters:
        run_id: of the run that judged it.
        version: its name.
        weak: why training found it too weak to answer; None where it did not.
        judgement: the gate's; None where there was no champion to compare it with.
        asking: whether people may be asked about disagreements.
    """

    run_id: int
    version: str
    weak: str | None
    judgement: Judgement | None
    asking: Asking

    @property
    def is_good(self) -> bool:
        """Whether it may answer."""
        return self.weak is None and (self.judgement is None or self.judgement.verdict.promoted)

    @property
    def actor(self) -> str:
        """Who does what follows, for the audit."""
        return f"run {self.run_id}"

    def is_outdated(self, session: Session) -> bool:
        """Whether the champion is not the one that it was compared with."""
        compared = self.judgement.verdict.champion if self.judgement else None
        return versions.champion(session) not in (compared, self.version)

    def enter(self, session: Session, token: str, settings: Settings) -> bool:
        """End the run, and do what follows; return whether the lease still counted.

        What somebody has cancelled by then is followed by nothing.

        Args:
            session: a writing session.
            token: of the lease.
            settings: who promotes, and what answers in the shadow.
        """
        run = runs.find(session, token, lock=True)
        if run is None:
            return False
        if run.cancelled_by is not None:
            return runs.end(session, token, RunState.CANCELLED)
        waits = self._ask(session)
        runs.end(
            session,
            token,
            RunState.DONE if self.is_good or waits else RunState.REFUSED,
            verdict=self.judgement.verdict.facts if self.judgement else None,
            error=f"it is weak: {self.weak}" if self.weak else None,
        )
        if self.is_good and settings.promote == "auto":
            versions.promote(session, self.version, actor=self.actor)
        elif self.judgement is not None and versions.champion(session) != self.version:
            self._shade(session, settings.shadow, waits=waits or self.is_good)
        return True

    def _ask(self, session: Session) -> bool:
        """Ask people about the disagreements that were drawn; return whether they are asked."""
        judgement = self.judgement
        if judgement is None:
            return False
        if judgement.used is not None:
            draws.close(session, judgement.used, judged_by=self.run_id)
        drawn, now = judgement.drawn, draws.open_draw(session)
        if drawn is None or self.weak or (now is not None and not self.asking.replaces):
            return False
        draws.enter(
            session,
            self.asking.run_id,
            champion=judgement.verdict.champion,
            share=drawn.share,
            tickets=drawn.tickets,
        )
        return True

    def _shade(self, session: Session, share: float, *, waits: bool) -> None:
        """Let a version that waits answer in the shadow; one that is refused leaves it."""
        now = shadow.current(session)
        is_there = now is not None and now.version == self.version
        if waits and share > 0 and not is_there:
            shadow.start(session, self.version, share, actor=self.actor)
        elif is_there and not waits:
            shadow.stop(session, actor=self.actor)
