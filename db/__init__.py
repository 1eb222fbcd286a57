"""The system of record: tables, sessions, submit, claims, results, taxonomy, registry, audit.

SQL is the truth and Redis the transport: a ticket exists when its row is committed. Functions here
take an open ``Session`` and leave the commit to ``Database.writing()``, so a caller composes them
into one transaction.
"""

from db.opening import open_database
from db.session import Database

__all__ = ["Database", "open_database"]
