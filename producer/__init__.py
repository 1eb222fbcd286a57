"""Producers: reading files, submitting tickets, and the relay that lets no ticket wait unseen."""

from db.tickets import NewTicket
from producer.submit import SubmitResult, Submitter, submit

__all__ = ["NewTicket", "SubmitResult", "Submitter", "submit"]
