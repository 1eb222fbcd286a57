"""The Redis stream ``tickets.ingest``, for programs that reach Redis but not Paidan's Python.

The route of an entry:

1. ``consumer`` waits for entries; ``entries`` fetches them with a script, by bytes and number, over
   a ``client`` that decodes nothing.
2. ``entry_ticket`` reads each as a ticket or a reject (``producer.tickets``).
3. ``store`` submits the tickets (``producer.submit``); ``entry_outcome`` makes rejects of those
   that were left out.
4. ``reject_words`` cuts the rejects to a few KB.
5. ``acknowledgement`` acknowledges and deletes all entries and keeps the rejects, in one script.
6. ``rejects`` writes later what Redis refused to keep.

``ingest`` does these in turn; the relay calls it. ``erasure`` deletes one ticket's entries.
"""
