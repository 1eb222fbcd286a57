"""Tickets: from a row of a file, or an entry of the stream, to what is submitted.

The route of a row:

1. ``options`` says how to read: source, columns, time zone, formats.
2. ``columns`` finds each field's column, and refuses a file without a text.
3. ``row_fields`` reads each value, with ``ids``, ``priorities``, ``times`` and ``meta``.
   ``scalars`` refuses what no database holds.
4. ``reader`` puts the ticket together. ``outcome`` has what else may come of a row: a reject, or
   notes on it.

``checks`` says what a ticket must be, whoever hands it in; ``rules`` lift its priority. Both run
when it is submitted (``producer.submit``).
"""
