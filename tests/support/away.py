"""What writers see of a database that goes away; put in the place of ``Database.writing``."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NoReturn

from sqlalchemy.orm import Session

from core.errors import DatabaseUnavailableError
from db import Database


def gone() -> NoReturn:
    """It is gone before the transaction begins."""
    raise DatabaseUnavailableError("gone")


def unanswered(database: Database) -> Callable[[], AbstractContextManager[Session]]:
    """It commits, and is gone before it says so."""
    intact = database.writing

    @contextmanager
    def writing() -> Iterator[Session]:
        with intact() as session:
            yield session
        gone()

    return writing
