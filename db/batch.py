"""A batch: which tickets a claim takes together, in which order, under a budget."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.orm import Session

from db.models import Ticket

# Most urgent first, then what is due first, then what came first.
ORDER = (Ticket.priority, Ticket.due_at, Ticket.id)


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of one batch: estimated tokens, and tickets."""

    tokens: int
    tickets: int


@dataclass(slots=True)
class Batch:
    """The tickets chosen so far, in order.

    Attributes:
        budget: the limits.
        ids: of the tickets chosen.
        tokens: their estimated sum.
        full: whether no further ticket is looked at.
        large: tickets over half the budget that did not fit any more.
    """

    budget: Budget
    ids: list[int] = field(default_factory=list)
    tokens: int = 0
    full: bool = False
    large: list[int] = field(default_factory=list)

    def take(self, session: Session, condition: ColumnElement[bool]) -> None:
        """Lock and take matching tickets in order until one does not fit."""
        room = self.budget.tickets - len(self.ids)
        if self.ids:  # SKIP LOCKED does not skip what this transaction locked itself
            condition &= Ticket.id.not_in(self.ids)
        wanted = select(Ticket.id, Ticket.estimated_tokens).where(condition)
        for row in session.execute(locked(wanted.order_by(*ORDER).limit(room))):
            if self.ids and self.tokens + row.estimated_tokens > self.budget.tokens:
                if 2 * row.estimated_tokens > self.budget.tokens:
                    self.large.append(row.id)
                    continue
                self.full = True
                return
            self.ids.append(row.id)
            self.tokens += row.estimated_tokens
        self.full = len(self.ids) >= self.budget.tickets or self.tokens >= self.budget.tokens

    def set_large_apart(self, session: Session) -> None:
        """Make the large tickets solo.

        Live tickets begin every batch. A large ticket behind them would never fit, and its lane
        would wait behind it.
        """
        if self.large:
            session.execute(update(Ticket).where(Ticket.id.in_(self.large)).values(solo=True))


def locked(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Return the query with its rows locked, without those that another transaction has locked."""
    return statement.with_for_update(skip_locked=True)
