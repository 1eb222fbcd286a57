"""The best champion so far, by what the gate found of each on the frozen test set."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import AliasMove
from db.run_tables import Run
from db.versions import CHAMPION

_CHECK = "frozen"


def best_before(session: Session, champion: str) -> str | None:
    """Return the past champion that was more often right than the present one; the best of them.

    A challenger must be no worse than it, too. Else champions could grow worse step by step, each
    step within the margin, and after one that somebody promoted by force, unjudged, in one step.

    Args:
        session: of the record.
        champion: the version that answers now.

    Returns:
        Its name; None where the present one is known to be as good as all past ones that are known.
    """
    shares = _shares(session)
    own = shares.get(champion, -1.0)
    past = set(session.scalars(select(AliasMove.model_version).where(AliasMove.alias == CHAMPION)))
    better = {one: shares[one] for one in past & shares.keys() if shares[one] > own}
    return max(better, key=lambda one: (better[one], one)) if better else None


def _shares(session: Session) -> dict[str, float]:
    """Return version -> share of right answers on the frozen set when it was last judged."""
    shares: dict[str, float] = {}
    verdicts = session.scalars(select(Run.verdict).where(Run.verdict.is_not(None)).order_by(Run.id))
    for verdict in verdicts:
        for finding in (verdict or {}).get("findings", ()):
            if finding.get("check") == _CHECK and "both" in finding:
                both, tickets = finding["both"], finding["tickets"]
                shares[verdict["champion"]] = (both + finding["lost"]) / tickets
                shares[verdict["challenger"]] = (both + finding["gained"]) / tickets
    return shares
