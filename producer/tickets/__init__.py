"""Tickets: from a row to what is submitted."""
