"""Producers: reading files, submitting tickets, and the relay that lets no ticket wait unseen."""

from db.tickets import NewTicket
from producer.submit import Refused, SubmitResult, Submitter, submit

__all__ = ["NewTicket", "Refused", "SubmitResult", "Submitter", "submit"]
