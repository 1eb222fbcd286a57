"""The comparison of ``bench.pipeline``: Celery as in its tutorial, one task a ticket.

The text travels in the message, the default acknowledgement (before the work) and prefetch are
used, one prefork child works: quick to write, and whatever is in a killed process is lost.
"""

import logging

from celery import Celery
from sqlalchemy import insert

from core.settings import Settings, get_settings
from db import Database, tickets, versions
from db.models import Classification
from db.tickets import NewTicket

_database: Database | None = None


def app_for(settings: Settings) -> Celery:
    """Return an app with Celery's defaults on the bench's broker."""
    app = Celery("bench", broker=settings.redis_address.broker_url())
    app.conf.update(task_default_queue="bench", worker_concurrency=1, task_ignore_result=True)
    return app


def insert_ticket(external_id: str, title: str, text: str) -> None:
    """Insert a ticket and a constant answer to it."""
    global _database
    if _database is None:
        _database = Database(get_settings().resolved_database_url)
    new = NewTicket(external_id=external_id, title=title, text=text, source="synthetic")
    with _database.writing() as session:
        [ticket] = tickets.insert(session, [new]).all_ids
        session.execute(
            insert(Classification).values(
                ticket_id=ticket,
                model_version=versions.champion(session),
                round=0,
                unit_code="U001",
                probability=1.0,
                top_k=[["U001", 1.0]],
            )
        )


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    bare = app_for(get_settings())
    bare.task(name="bench.insert_ticket")(insert_ticket)
    bare.worker_main(["worker", "--loglevel=INFO", "--pool=prefork", "--queues=bench"])
