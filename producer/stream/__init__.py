"""The Redis stream ``tickets.ingest`` and its rejects."""
