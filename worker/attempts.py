"""Attempts: a claim counts one, and an answer, a failure or its return ends it."""

from collections import deque
from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from core.errors import DATABASE_FAULTS
from db import Database, claims
from db.claims import Claim


class Attempts:
    """The claims of one worker process, each in a transaction of its own.

    A claim is *owed* where the database could not be told of its end. ``release_owed`` gives it
    back once the database answers again; the claim loop and the heartbeat thread both call it.

    Args:
        database: the record.
        worker: the worker's stable name.
        seconds: until a claim expires.
    """

    def __init__(self, database: Database, worker: str, seconds: float) -> None:
        self.database = database
        self.worker = worker
        self.seconds = seconds
        self._owed: deque[str] = deque()  # tokens; a deque's ends are safe between threads

    def claim(self, claim: Callable[..., Claim]) -> Claim:
        """Claim tickets by a function of ``db.claims``.

        The token is made before the claim: where the database is gone before it answers the commit,
        nobody knows whether the claim stands, and the token is owed.
        """
        token = claims.new_token()
        try:
            with self.database.writing() as session:
                return claim(session, token=token, worker=self.worker, seconds=self.seconds)
        except DATABASE_FAULTS:
            self._owed.append(token)
            raise

    def claim_while(
        self, holds: Callable[[Session], bool], claim: Callable[..., Claim]
    ) -> Claim | None:
        """Claim tickets as ``claim`` does; None, and nothing claimed, where ``holds`` is false.

        It is asked after the tickets were found, in their transaction. A change that was committed
        before a ticket was submitted is therefore seen whenever that ticket is.
        """
        is_void = False

        def checked(session: Session, **fields: Any) -> Claim:
            nonlocal is_void
            found = claim(session, **fields)
            is_void = bool(found.tickets) and not holds(session)
            if is_void:
                claims.hand_back(session, found.token)
            return found

        found = self.claim(checked)
        return None if is_void else found

    def fail(self, claim: Claim, reason: str, max_attempts: int) -> None:
        """Count the attempt against a claim's tickets: they run alone from now on, or are dead."""
        with self.database.writing() as session:
            claims.fail_attempt(
                session, claim.token, claim.ids, reason=reason, max_attempts=max_attempts
            )

    def hand_back(self, *tokens: str) -> None:
        """Give claims and their attempts back; where the database is away they are owed.

        All go in one transaction, so a database that is away is waited for once.
        """
        try:
            with self.database.writing() as session:
                claims.hand_back(session, *tokens)
        except DATABASE_FAULTS:
            self._owed.extend(tokens)

    def release_owed(self) -> None:
        """Give back the claims that are owed.

        Raises:
            DatabaseUnavailableError: the database is still away; what is left stays owed.
        """
        while True:
            try:
                token = self._owed.popleft()
            except IndexError:  # none left; the other thread may have taken the last
                return
            try:
                with self.database.writing() as session:
                    claims.hand_back(session, token)
            except DATABASE_FAULTS:
                self._owed.append(token)
                raise
